"""The role of an operator beside its items; the partner service states it anew (complete_roles)."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Go forward. Until a role is told its operator has what its items give it.

    A gateway of the version before may still write rows meanwhile. In a database made anew the
    first migration has made the column already, from the tables as they are now.
    """
    op.execute("ALTER TABLE identity_operators ADD COLUMN IF NOT EXISTS role text")
