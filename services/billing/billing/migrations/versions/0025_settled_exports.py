"""An export of what the partner owes names the settlement that it shows."""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.execute("ALTER TABLE exports ADD COLUMN settlement_id text")
