"""Who opened the management of enterprise projects; tickets to the page that looks at faces."""

from alembic import op

from chassis.migrations import run_sql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    run_sql(op, __file__)
