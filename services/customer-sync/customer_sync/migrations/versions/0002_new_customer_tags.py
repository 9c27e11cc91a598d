"""New-customer tags."""

from alembic import op

from chassis.migrations import run_sql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    run_sql(op, __file__)
