"""Applications for real-name authentication."""

from alembic import op

from chassis.migrations import create_tables
from customer_sync.models import Tables

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    create_tables(op, Tables.metadata, "realname_applications")
