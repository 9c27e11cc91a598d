"""A line's row says what is still owed of it."""

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Go forward; a rebuild mends the rows of before."""
    op.execute(
        "ALTER TABLE portfolio_lines ADD COLUMN debt_amount NUMERIC(38, 2) DEFAULT 0 NOT NULL"
    )
