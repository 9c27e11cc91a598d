"""Enterprise masters' organisation units and members."""

from alembic import op

from chassis.migrations import create_tables
from customer_sync.enterprise.models import Member

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    create_tables(op, Member.metadata, "enterprise_organizations", "enterprise_members")
