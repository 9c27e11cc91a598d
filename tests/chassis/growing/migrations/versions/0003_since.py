"""A column, for which the table must be had alone."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Go forward."""
    op.execute("ALTER TABLE grown ADD COLUMN since date")
