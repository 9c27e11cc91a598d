"""The first tables."""

from alembic import op

from chassis.migrations import create_kit_tables, create_tables
from order.models import Tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the chassis's tables and order's own."""
    create_kit_tables(op)
    create_tables(op, Tables.metadata)
