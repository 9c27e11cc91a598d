"""Which discount an order carries."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward; older copies have it with their next event or a rebuild."""
    op.execute("ALTER TABLE orders ADD COLUMN IF NOT EXISTS discount_id text")
