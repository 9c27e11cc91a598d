"""The chassis's tables and those of identity.

Identity's tables are not granted to the role that requests run as: only the doors' own transactions
read credentials.
"""

from alembic import op

from chassis.migrations import make_request_role, run_sql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    make_request_role(op)
    run_sql(op, __file__)
