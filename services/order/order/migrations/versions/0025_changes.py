"""Changes of period resources: what one costs more is paid on top of a period, or part of it back.

A period goes back whole once; changes may have given parts of it back before.
"""

from alembic import op

from chassis.build_indexes import build_index, drop_index

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.execute("ALTER TABLE resource_periods ADD COLUMN IF NOT EXISTS base_period_id text")
    op.execute(
        "ALTER TABLE order_lines ADD COLUMN IF NOT EXISTS extra_days bigint NOT NULL DEFAULT 0"
    )
    build_index(op, "refunds_whole", "refunds (period_id) WHERE rule <> 'changed'", unique=True)
    build_index(op, "refunds_by_changes", "refunds (period_id) WHERE rule = 'changed'")
    drop_index(op, "refunds_of_period")
