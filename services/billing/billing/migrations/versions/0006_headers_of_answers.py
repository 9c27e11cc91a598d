"""An answer that is given again has the headers that it had at first."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Go forward."""
    op.execute("ALTER TABLE idempotency_keys ADD COLUMN IF NOT EXISTS headers jsonb")
