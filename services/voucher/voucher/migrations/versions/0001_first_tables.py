"""The first tables."""

from alembic import op

from chassis.migrations import create_kit_tables, create_tables
from voucher.models import Tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything."""
    create_kit_tables(op)
    create_tables(op, Tables.metadata)
