"""Which enterprise master an order waits for; a new database has it already."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward; nobody was asked before."""
    op.execute("ALTER TABLE placed_orders ADD COLUMN IF NOT EXISTS paying_agent_id text")
    op.execute(
        "CREATE INDEX IF NOT EXISTS placed_orders_asked ON placed_orders (paying_agent_id)"
        " WHERE status IN (1, 6, 9)"
    )
