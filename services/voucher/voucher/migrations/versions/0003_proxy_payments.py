"""Whose member a customer is, and which master pays an order; a new database has it already."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward; whose member a customer is comes with its next event or a rebuild."""
    op.execute("ALTER TABLE customers ADD COLUMN IF NOT EXISTS enterprise_master_id text")
    op.execute("ALTER TABLE orders ADD COLUMN IF NOT EXISTS paying_agent_id text")
