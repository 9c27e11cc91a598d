"""What refunds gave back to coupons."""

from alembic import op

from chassis.database import REQUEST_ROLE
from chassis.migrations import bind_to_tenant

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE restorations (
    refund_id text NOT NULL,
    coupon_id text NOT NULL REFERENCES coupons (id),
    order_id text NOT NULL,
    base_order_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    amount numeric(38, 2) NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (refund_id, coupon_id)
)
"""


def upgrade() -> None:
    """Go forward."""
    op.execute(_TABLE)
    op.execute("CREATE INDEX restorations_of_coupon ON restorations (coupon_id, base_order_id)")
    bind_to_tenant(op, "restorations", has_distributor=True)
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON restorations TO {REQUEST_ROLE}")
