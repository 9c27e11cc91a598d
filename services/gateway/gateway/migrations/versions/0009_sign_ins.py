"""From where somebody signed in, and for whom a password waits that is not bound yet."""

from alembic import op

from chassis.build_indexes import build_index

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Go forward."""
    op.execute("ALTER TABLE tokens ADD COLUMN IF NOT EXISTS address text")
    op.execute("ALTER TABLE passwords ADD COLUMN IF NOT EXISTS expected text")
    build_index(op, "passwords_unbound", "passwords (created_at) WHERE owner_id IS NULL")
