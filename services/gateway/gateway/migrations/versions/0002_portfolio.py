"""The customer read model and the event feed."""

from alembic import op

from chassis.migrations import create_tables
from gateway.portfolio.models import PortfolioTables

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables, bound to the tenant."""
    create_tables(op, PortfolioTables.metadata)
