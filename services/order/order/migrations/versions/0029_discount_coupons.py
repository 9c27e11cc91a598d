"""What a discount coupon took off the price of a paid order, and of each of its lines."""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    for table in ("orders", "order_lines"):
        op.execute(
            f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS coupon_discount_amount"
            " numeric(38, 2) NOT NULL DEFAULT 0"
        )
