"""Associations that are made some time after the account."""

from alembic import op

from chassis.migrations import run_sql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    run_sql(op, __file__)
