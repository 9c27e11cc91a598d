"""The chassis's tables and those of identity.

Identity's tables are not granted to the role that requests run as: only the doors' own transactions
read credentials.
"""

from alembic import op

from chassis.migrations import create_kit_tables
from gateway.identity.models import IdentityTables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    create_kit_tables(op)
    IdentityTables.metadata.create_all(op.get_bind())
