"""Which orders a customer asked its partner to pay."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward; nobody was asked before."""
    op.execute("ALTER TABLE placed_orders ADD COLUMN IF NOT EXISTS payment_request_id text")
