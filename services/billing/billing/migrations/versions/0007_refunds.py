"""The refunds that were given back."""

from alembic import op

from chassis.database import REQUEST_ROLE
from chassis.migrations import bind_to_tenant

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.execute(
        "CREATE TABLE recorded_refunds (refund_id text PRIMARY KEY, order_id text NOT NULL,"
        " partner_id text NOT NULL, distributor_id text, recorded_at timestamptz NOT NULL)"
    )
    bind_to_tenant(op, "recorded_refunds", has_distributor=True)
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON recorded_refunds TO {REQUEST_ROLE}")
