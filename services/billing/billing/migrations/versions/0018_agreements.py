"""Discounts that are items of agreements, and copies of resources.

Prices of units have 10 decimals: the column that keeps them was made for 4.
"""

from alembic import op

from chassis.database import REQUEST_ROLE
from chassis.migrations import bind_to_tenant

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward; what was granted before limits nothing more than it did."""
    op.execute("ALTER TABLE discounts ALTER COLUMN discount_value TYPE numeric(38, 10)")
    op.execute(
        "ALTER TABLE discounts"
        " ADD COLUMN IF NOT EXISTS region_codes jsonb NOT NULL DEFAULT '[]',"
        " ADD COLUMN IF NOT EXISTS charging_modes jsonb NOT NULL DEFAULT '[]',"
        " ADD COLUMN IF NOT EXISTS steps jsonb NOT NULL DEFAULT '[]',"
        " ADD COLUMN IF NOT EXISTS agreement_number text"
    )
    op.execute(
        "CREATE TABLE resources (resource_id text PRIMARY KEY, customer_id text NOT NULL,"
        " partner_id text NOT NULL, distributor_id text, service_type_code text NOT NULL,"
        " resource_type_code text NOT NULL, resource_spec_code text NOT NULL,"
        " region_code text NOT NULL, charging_mode bigint NOT NULL, status bigint NOT NULL,"
        " expire_at timestamptz, main_resource_id text, product_id text,"
        " measure_size numeric(38, 10), version bigint NOT NULL)"
    )
    op.execute("CREATE INDEX resources_of_customer ON resources (customer_id, resource_id)")
    op.execute("CREATE INDEX resources_of_main ON resources (main_resource_id)")
    bind_to_tenant(op, "resources", has_distributor=True)
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON resources TO {REQUEST_ROLE}")
