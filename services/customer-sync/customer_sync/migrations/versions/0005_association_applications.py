"""Applications to unlink or to switch, and the copy of orders that block them."""

from alembic import op

from chassis.migrations import run_sql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    run_sql(op, __file__)
