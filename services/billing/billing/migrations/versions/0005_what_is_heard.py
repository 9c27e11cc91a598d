"""A consumer says until when it has heard everything, and a parked key since when it waits."""

from alembic import op

from chassis.migrations import tell_what_is_heard

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    tell_what_is_heard(op)
