"""Why a piece failed."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.execute("ALTER TABLE pieces ADD COLUMN IF NOT EXISTS code text")
