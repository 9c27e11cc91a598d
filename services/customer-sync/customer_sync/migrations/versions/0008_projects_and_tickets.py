"""Who opened the management of enterprise projects; tickets to the page that looks at faces."""

from alembic import op

from chassis.migrations import create_tables
from customer_sync.customers.models import EnterpriseProjects
from customer_sync.models import Tables
from customer_sync.realname.models import FaceTicket

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    create_tables(op, Tables.metadata, EnterpriseProjects.__tablename__, FaceTicket.__tablename__)
