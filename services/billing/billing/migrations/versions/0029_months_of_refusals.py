"""A refused record says of which month it would have been, so that a month's are found."""

from alembic import op

from chassis.build_indexes import build_index

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.execute("ALTER TABLE usage_refusals ADD COLUMN IF NOT EXISTS bill_cycle text")
    build_index(op, "refusals_of_cycle", "usage_refusals (bill_cycle) WHERE bill_cycle IS NOT NULL")
