"""The first tables."""

from alembic import op

from chassis.migrations import make_request_role, run_sql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the chassis's tables and partner's own."""
    make_request_role(op)
    run_sql(op, __file__)
