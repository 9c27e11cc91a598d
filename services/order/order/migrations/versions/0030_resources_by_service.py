"""An index to find resources of a service by; built beside writers."""

from alembic import op

from chassis.build_indexes import build_index

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    columns = "resources (partner_id, service_type_code, effective_at)"
    build_index(op, "resources_by_service", columns)
