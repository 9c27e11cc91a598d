"""Stored value cards, kept as coupons of type 5, which stay with their holder (decision 0127).

A card has the partner of the day it was given; its holder sees it and pays with it whatever partner
it has by now. Whoever acts for a customer has another name than the customer.
"""

from alembic import op

from chassis.database import REQUEST_ROLE

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_ITSELF = "(SELECT substring(current_setting('channelbus.principal', true) FROM '^customer:(.*)$'))"
_OWN = f"coupon_type = 5 AND customer_id = {_ITSELF}"
_STATEMENTS = (
    "ALTER TABLE coupons ADD COLUMN name text",
    "ALTER TABLE coupons DROP CONSTRAINT origin_of_vendors",
    "ALTER TABLE coupons ADD CONSTRAINT origin_of_vendors"
    " CHECK ((quota_id IS NULL) = (origin IS NOT NULL OR coupon_type = 5))",
    "ALTER TABLE coupons ADD CONSTRAINT cards_have_names"
    " CHECK ((name IS NOT NULL) = (coupon_type = 5))",
    f"CREATE POLICY own_card ON coupons FOR SELECT TO {REQUEST_ROLE} USING ({_OWN})",
    f"CREATE POLICY own_card_held ON coupons FOR UPDATE TO {REQUEST_ROLE}"
    f" USING ({_OWN}) WITH CHECK ({_OWN})",
)


def upgrade() -> None:
    """Go forward."""
    for statement in _STATEMENTS:
        op.execute(statement)
