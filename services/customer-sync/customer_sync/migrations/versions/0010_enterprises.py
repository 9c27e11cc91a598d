"""Enterprise masters' organisation units and members."""

from alembic import op

from chassis.migrations import run_sql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    run_sql(op, __file__)
