"""The history of orders from now on; of older orders their columns tell what is known."""

from alembic import op

from chassis.database import REQUEST_ROLE
from chassis.migrations import bind_to_tenant

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_CHANGES = """
CREATE TABLE IF NOT EXISTS order_changes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id text NOT NULL REFERENCES orders (order_id),
    partner_id text NOT NULL,
    distributor_id text,
    at timestamptz NOT NULL,
    event text NOT NULL,
    status bigint NOT NULL,
    by text NOT NULL,
    by_operator text,
    payer_id text,
    code text,
    detail text
);
CREATE INDEX IF NOT EXISTS changes_of_order ON order_changes (order_id, id)
"""


def upgrade() -> None:
    """Go forward."""
    for statement in _CHANGES.split(";"):
        op.execute(statement)
    op.execute("DROP POLICY IF EXISTS tenant ON order_changes")
    bind_to_tenant(op, "order_changes", has_distributor=True)
    op.execute(f"GRANT SELECT, INSERT ON order_changes TO {REQUEST_ROLE}")
