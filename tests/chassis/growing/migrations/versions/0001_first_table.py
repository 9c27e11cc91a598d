"""A table, as small as can be."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Go forward."""
    op.execute("CREATE TABLE grown (id bigint PRIMARY KEY, size bigint NOT NULL)")
    op.execute("CREATE INDEX by_size ON grown (size)")
