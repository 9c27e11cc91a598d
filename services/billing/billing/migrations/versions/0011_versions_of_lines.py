"""A bill line has a version: it rises when its debt is written off."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Go forward; what was written off before is told by a rebuild."""
    op.execute("ALTER TABLE bill_lines ADD COLUMN version BIGINT DEFAULT 1 NOT NULL")
