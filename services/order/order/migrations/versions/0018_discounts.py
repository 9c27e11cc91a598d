"""What orders are offered, the discount that each carries, and until when it may be paid."""

from alembic import op

from chassis.database import REQUEST_ROLE
from chassis.migrations import bind_to_tenant

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_COLUMNS = {
    "orders": [
        "discount_id text",
        "discount_type bigint",
        "granted_discount_amount numeric(38, 2) NOT NULL DEFAULT 0",
        "promotion_ends_at timestamptz",
        "payable_at timestamptz",
        "pay_before timestamptz",
    ],
    "order_lines": [
        "granted_discount_amount numeric(38, 2) NOT NULL DEFAULT 0",
        "discount_type bigint",
        "discount_ratio numeric(38, 4)",
    ],
    "payment_attempts": ["discount_id text"],
}
_OFFERED = """
CREATE TABLE IF NOT EXISTS order_discounts (
    order_id text NOT NULL REFERENCES orders (order_id),
    discount_id text NOT NULL,
    customer_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    discount_type bigint NOT NULL,
    discount_mode bigint NOT NULL,
    discount_value text NOT NULL,
    name text NOT NULL,
    ends_at timestamptz,
    lines jsonb NOT NULL,
    PRIMARY KEY (order_id, discount_id)
)
"""


def upgrade() -> None:
    """Go forward; of orders that wait for payment, since when is known by their deadline."""
    for table, columns in _COLUMNS.items():
        for column in columns:
            op.execute(f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {column}")
    op.execute(_OFFERED)
    op.execute("DROP POLICY IF EXISTS tenant ON order_discounts")
    bind_to_tenant(op, "order_discounts", has_distributor=True)
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON order_discounts TO {REQUEST_ROLE}")
    op.execute(
        "UPDATE orders SET payable_at = pay_until - interval '7 days'"
        " WHERE status = 6 AND payable_at IS NULL"
    )
