"""New-customer tags."""

from alembic import op

from chassis.migrations import create_tables
from customer_sync.models import Tables

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    create_tables(op, Tables.metadata, "new_customer_tags")
