"""Members are found by their master, sub-coupons by the coupon that they are of."""

from alembic import op

from chassis.build_indexes import build_index

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    build_index(
        op,
        "customers_of_master",
        "customers (enterprise_master_id) WHERE enterprise_master_id IS NOT NULL",
    )
    build_index(op, "coupons_of_main", "coupons (main_coupon_id) WHERE main_coupon_id IS NOT NULL")
