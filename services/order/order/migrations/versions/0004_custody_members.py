"""The custody members apart from all other customers; a new database has the index already."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.execute(
        "CREATE INDEX IF NOT EXISTS customers_with_master ON customers (customer_id)"
        " WHERE paying_master_id IS NOT NULL"
    )
