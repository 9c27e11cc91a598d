"""Users of a partner's platform, bound to accounts."""

from alembic import op

from chassis.migrations import create_tables
from customer_sync.models import Tables
from customer_sync.saml.models import SamlBinding

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    create_tables(op, Tables.metadata, SamlBinding.__tablename__)
