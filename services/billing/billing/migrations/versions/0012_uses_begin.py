"""A bill line says when the use began that it charges."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Go forward; of lines of before it is not known."""
    op.execute("ALTER TABLE bill_lines ADD COLUMN used_from TIMESTAMP WITH TIME ZONE")
