"""The second wall stands behind the chassis's own tables, too."""

from alembic import op

from chassis.migrations import wall_kit_tables

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    wall_kit_tables(op)
