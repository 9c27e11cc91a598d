"""What an order does, and whose it is by an index: coupons for first orders ask."""

from alembic import op

from chassis.build_indexes import build_index

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward; older copies have the type with their next event or a rebuild."""
    op.execute("ALTER TABLE orders ADD COLUMN IF NOT EXISTS order_type bigint")
    build_index(op, "orders_of_customer", "orders (customer_id)")
    build_index(
        op,
        "orders_of_agent",
        "orders (paying_agent_id) WHERE paying_agent_id IS NOT NULL",
    )
