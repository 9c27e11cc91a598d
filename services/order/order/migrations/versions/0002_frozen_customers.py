"""Whether a customer is frozen.

A new database has the column already, since its first version makes the tables as they are now.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    column = "is_frozen bigint NOT NULL DEFAULT 0"
    op.execute(f"ALTER TABLE customers ADD COLUMN IF NOT EXISTS {column}")
