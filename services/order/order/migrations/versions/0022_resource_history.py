"""What became of each resource, from this release on; and indexes to find resources by."""

from alembic import op

from chassis.build_indexes import build_index
from chassis.database import REQUEST_ROLE
from chassis.migrations import bind_to_tenant

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_HISTORY = """
CREATE TABLE IF NOT EXISTS resource_history (
    resource_id text NOT NULL REFERENCES resources (resource_id),
    number bigint NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    at timestamptz NOT NULL,
    event text NOT NULL,
    order_id text,
    charging_mode bigint NOT NULL,
    from_status bigint,
    to_status bigint NOT NULL,
    expire_at timestamptz,
    PRIMARY KEY (resource_id, number)
)
"""
_INDEXES = {
    "resources_of_partner": "resources (partner_id, effective_at, resource_id)",
    "resources_by_status": "resources (partner_id, charging_mode, status, effective_at)",
    "resources_by_end": "resources (partner_id, expire_at)",
    "resources_of_distributor":
        "resources (distributor_id, effective_at) WHERE distributor_id IS NOT NULL",
}  # fmt: skip


def upgrade() -> None:
    """Go forward."""
    op.execute(_HISTORY)
    op.execute("DROP POLICY IF EXISTS tenant ON resource_history")
    bind_to_tenant(op, "resource_history", has_distributor=True)
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON resource_history TO {REQUEST_ROLE}")
    for name, columns in _INDEXES.items():
        build_index(op, name, columns)
