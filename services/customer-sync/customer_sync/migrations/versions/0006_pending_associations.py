"""Associations that are made some time after the account."""

from alembic import op

from chassis.migrations import create_tables
from customer_sync.association.models import PendingAssociation
from customer_sync.models import Tables

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    create_tables(op, Tables.metadata, PendingAssociation.__tablename__)
