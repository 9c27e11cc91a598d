"""Another index in place of the first."""

from alembic import op

from chassis.build_indexes import build_index, drop_index

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Go forward."""
    build_index(op, "by_size_and_id", "grown (size, id)")
    drop_index(op, "by_size")
