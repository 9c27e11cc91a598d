"""The discounts of customers' orders."""

from alembic import op

from chassis.database import REQUEST_ROLE
from chassis.migrations import bind_to_tenant

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.execute(
        "CREATE TABLE discounts (discount_id text PRIMARY KEY, customer_id text NOT NULL,"
        " partner_id text NOT NULL, distributor_id text, name text NOT NULL,"
        " discount_type bigint NOT NULL, discount_mode bigint NOT NULL,"
        " discount_value numeric(38, 4) NOT NULL, currency text NOT NULL,"
        " service_type_codes jsonb NOT NULL, product_ids jsonb NOT NULL,"
        " order_types jsonb NOT NULL, effective_at timestamptz NOT NULL, expire_at timestamptz,"
        " ended_at timestamptz, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL,"
        " version bigint NOT NULL)"
    )
    op.execute("CREATE INDEX discounts_of_customer ON discounts (customer_id, effective_at)")
    op.execute("CREATE INDEX discounts_of_partner ON discounts (partner_id, discount_id)")
    bind_to_tenant(op, "discounts", has_distributor=True)
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON discounts TO {REQUEST_ROLE}")
