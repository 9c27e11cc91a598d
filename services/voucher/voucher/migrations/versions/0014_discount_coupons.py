"""Discount coupons: the ratio that is payable with one; they hold no money."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.execute("ALTER TABLE coupons ADD COLUMN IF NOT EXISTS discount_ratio numeric(38, 4)")
