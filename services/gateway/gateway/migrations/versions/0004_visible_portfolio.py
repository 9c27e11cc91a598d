"""What searches of the portfolio read: a view with the second wall as its condition.

They need the index behind `@>`, which PostgreSQL does not use below a row-level policy, since that
operator is not leakproof; a view reads its table as the table's owner, whom no policy binds.
"""

from alembic import op

from chassis.database import REQUEST_ROLE

revision = "0004"
down_revision = "0003"

_VISIBLE_PORTFOLIO = """
CREATE VIEW visible_portfolio AS SELECT * FROM portfolio_customers
WHERE partner_id = (SELECT current_setting('channelbus.partner_id', true))
   OR distributor_id = (SELECT current_setting('channelbus.partner_id', true))
   OR (SELECT current_setting('channelbus.partner_id', true)) = '*'
"""


def upgrade() -> None:
    """Go forward."""
    op.execute(_VISIBLE_PORTFOLIO)
    op.execute(f"GRANT SELECT ON visible_portfolio TO {REQUEST_ROLE}")
