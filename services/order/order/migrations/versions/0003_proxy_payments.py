"""Which enterprise master pays for a customer, and which was asked to pay an order or did.

A new database has all of it already, since its first version makes the tables as they are now.
"""

from alembic import op

from chassis.build_indexes import build_index

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward; whose custody member a customer is comes with its next event or a rebuild."""
    op.execute("ALTER TABLE customers ADD COLUMN IF NOT EXISTS paying_master_id text")
    op.execute("ALTER TABLE orders ADD COLUMN IF NOT EXISTS paying_agent_id text")
    build_index(
        op,
        "orders_of_paying_agent",
        "orders (paying_agent_id, created_at) WHERE paying_agent_id IS NOT NULL",
    )
