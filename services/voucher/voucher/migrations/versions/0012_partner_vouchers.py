"""Partner vouchers, the settlements that take from them, and their place in the ledger."""

from alembic import op

from chassis.database import REQUEST_ROLE
from chassis.migrations import bind_to_tenant, run_sql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLES = ("partner_vouchers", "settlements", "settled_lines", "settled_parts")


def upgrade() -> None:
    """Go forward."""
    run_sql(op, __file__)
    for table in TABLES:
        bind_to_tenant(op, table, has_distributor=True)
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {REQUEST_ROLE}")
