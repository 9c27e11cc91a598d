"""The orders that wait, by customer, and the attempts of an order."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.execute(
        "CREATE INDEX IF NOT EXISTS orders_waiting ON orders (customer_id)"
        " WHERE status IN (1, 6, 9)"
    )
    op.execute(
        "CREATE INDEX IF NOT EXISTS attempts_of_order ON payment_attempts (order_id, opened_at)"
    )
