"""From where somebody signed in, and for whom a password waits that is not bound yet."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Go forward."""
    op.execute("ALTER TABLE tokens ADD COLUMN IF NOT EXISTS address text")
    op.execute("ALTER TABLE passwords ADD COLUMN IF NOT EXISTS expected text")
    op.execute(
        "CREATE INDEX IF NOT EXISTS passwords_unbound ON passwords (created_at)"
        " WHERE owner_id IS NULL"
    )
