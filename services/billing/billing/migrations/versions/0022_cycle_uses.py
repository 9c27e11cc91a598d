"""What was used of a product in a cycle, where its price depends on it."""

from alembic import op

from chassis.database import REQUEST_ROLE
from chassis.migrations import bind_to_tenant

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.execute(
        "CREATE TABLE cycle_uses (customer_id text NOT NULL, product_id text NOT NULL,"
        " region_code text NOT NULL, bill_cycle text NOT NULL, partner_id text NOT NULL,"
        " distributor_id text, used numeric(38, 10) NOT NULL,"
        " PRIMARY KEY (customer_id, product_id, region_code, bill_cycle))"
    )
    bind_to_tenant(op, "cycle_uses", has_distributor=True)
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON cycle_uses TO {REQUEST_ROLE}")
