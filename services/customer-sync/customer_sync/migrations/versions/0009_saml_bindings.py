"""Users of a partner's platform, bound to accounts."""

from alembic import op

from chassis.migrations import run_sql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    run_sql(op, __file__)
