"""Whose resources are to be looked at again: rows that are added without waiting for anybody."""

from alembic import op

from chassis.database import REQUEST_ROLE
from chassis.migrations import bind_to_tenant

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_STANDINGS = """
CREATE TABLE IF NOT EXISTS standings_to_settle (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS standings_due ON standings_to_settle (at);
CREATE INDEX IF NOT EXISTS standings_of_customer ON standings_to_settle (customer_id);
DROP POLICY IF EXISTS tenant ON standings_to_settle
"""


def upgrade() -> None:
    """Go forward. A request adds rows; the schedule takes them away."""
    for statement in _STANDINGS.split(";"):
        op.execute(statement)
    bind_to_tenant(op, "standings_to_settle", has_distributor=True)
    op.execute(f"GRANT SELECT, INSERT ON standings_to_settle TO {REQUEST_ROLE}")
