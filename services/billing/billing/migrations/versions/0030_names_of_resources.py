"""Copies of resources have their names: what belongs to an instance is shown by the instance's."""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.execute("ALTER TABLE resources ADD COLUMN IF NOT EXISTS resource_name text")
