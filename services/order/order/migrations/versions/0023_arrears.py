"""What customers owe, as billing tells it."""

from alembic import op

from chassis.build_indexes import build_index
from chassis.database import REQUEST_ROLE
from chassis.migrations import bind_to_tenant

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_ARREARS = """
CREATE TABLE IF NOT EXISTS arrears (
    customer_id text PRIMARY KEY,
    partner_id text NOT NULL,
    distributor_id text,
    debt_amount numeric(38, 2) NOT NULL,
    since timestamptz,
    version bigint NOT NULL,
    settle_at timestamptz
)
"""


def upgrade() -> None:
    """Go forward."""
    op.execute(_ARREARS)
    op.execute("DROP POLICY IF EXISTS tenant ON arrears")
    bind_to_tenant(op, "arrears", has_distributor=True)
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON arrears TO {REQUEST_ROLE}")
    build_index(op, "arrears_to_settle", "arrears (settle_at) WHERE settle_at IS NOT NULL")
