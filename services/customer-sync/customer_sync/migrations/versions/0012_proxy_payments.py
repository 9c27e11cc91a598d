"""Which enterprise master an order waits for; a new database has it already."""

from alembic import op

from chassis.build_indexes import build_index

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward; nobody was asked before."""
    op.execute("ALTER TABLE placed_orders ADD COLUMN IF NOT EXISTS paying_agent_id text")
    asked = "placed_orders (paying_agent_id) WHERE status IN (1, 6, 9)"
    build_index(op, "placed_orders_asked", asked)
