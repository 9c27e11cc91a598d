"""Which customers are custody members of an enterprise; a new database has the column already."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward; nobody was one before."""
    op.execute(
        "ALTER TABLE customers"
        " ADD COLUMN IF NOT EXISTS financial_custody boolean NOT NULL DEFAULT false"
    )
