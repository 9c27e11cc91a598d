"""What bandwidth was every five minutes."""

from alembic import op

from chassis.database import REQUEST_ROLE
from chassis.migrations import bind_to_tenant

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.execute(
        "CREATE TABLE usage_points (resource_id text NOT NULL, usage_type text NOT NULL,"
        " stat_time timestamptz NOT NULL, customer_id text NOT NULL, partner_id text NOT NULL,"
        " distributor_id text, service_type_code text NOT NULL, resource_type_code text NOT NULL,"
        " usage_value numeric(38, 10) NOT NULL, measure_id bigint NOT NULL,"
        " guaranteed_value numeric(38, 10), PRIMARY KEY (resource_id, usage_type, stat_time))"
    )
    op.execute(
        "CREATE INDEX points_of_customer ON usage_points (customer_id, usage_type, stat_time,"
        " resource_id)"
    )
    bind_to_tenant(op, "usage_points", has_distributor=True)
    op.execute(f"GRANT SELECT, INSERT ON usage_points TO {REQUEST_ROLE}")
