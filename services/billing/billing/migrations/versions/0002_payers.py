"""Which enterprise master paid a line of its member's; a new database has the column already."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward; every line so far was paid by its customer."""
    op.execute("ALTER TABLE bill_lines ADD COLUMN IF NOT EXISTS payer_id text")
