"""Applications to unlink or to switch, and the copy of orders that block them."""

from alembic import op

from chassis.migrations import create_tables
from customer_sync.association.models import AssociationApplication, PlacedOrder
from customer_sync.models import Tables

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    names = (AssociationApplication.__tablename__, PlacedOrder.__tablename__)
    create_tables(op, Tables.metadata, *names)
