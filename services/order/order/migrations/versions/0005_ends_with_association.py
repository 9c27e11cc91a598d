"""The orders that wait, by customer, and the attempts of an order."""

from alembic import op

from chassis.build_indexes import build_index

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    build_index(op, "orders_waiting", "orders (customer_id) WHERE status IN (1, 6, 9)")
    build_index(op, "attempts_of_order", "payment_attempts (order_id, opened_at)")
