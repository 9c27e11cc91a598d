"""Who is an enterprise master, whose member a customer is, and who pays for it.

A new database has the columns already, since its first version makes the tables as they are now.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_COLUMNS = (
    "is_enterprise_master boolean NOT NULL DEFAULT false",
    "enterprise_master_id text",
    "financial_custody boolean NOT NULL DEFAULT false",
)


def upgrade() -> None:
    """Go forward."""
    added = ", ".join(f"ADD COLUMN IF NOT EXISTS {column}" for column in _COLUMNS)
    op.execute(f"ALTER TABLE customers {added}")
