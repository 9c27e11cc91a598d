"""The customer read model and the event feed."""

from alembic import op

from chassis.migrations import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables, bound to the tenant."""
    run_sql(op, __file__)
