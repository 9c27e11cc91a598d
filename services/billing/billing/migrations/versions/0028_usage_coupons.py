"""Who has coupons that may pay usage, attempts to pay with them, and what packages are."""

from alembic import op

from chassis.database import REQUEST_ROLE
from chassis.migrations import bind_to_tenant

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.execute(
        "CREATE TABLE coupons (coupon_id text PRIMARY KEY, customer_id text NOT NULL,"
        " partner_id text NOT NULL, distributor_id text, is_usable boolean NOT NULL,"
        " effective_at timestamptz NOT NULL, expire_at timestamptz NOT NULL,"
        " version bigint NOT NULL)"
    )
    op.execute(
        "CREATE INDEX coupons_that_may_pay ON coupons (customer_id, expire_at) WHERE is_usable"
    )
    op.execute(
        "CREATE TABLE usage_attempts (attempt_id text PRIMARY KEY, payer_id text NOT NULL,"
        " partner_id text NOT NULL, distributor_id text, currency text NOT NULL,"
        " state text NOT NULL,"
        " coupons jsonb NOT NULL, reason_code text, is_told boolean NOT NULL,"
        " opened_at timestamptz NOT NULL, begun_at timestamptz NOT NULL DEFAULT now(),"
        " closed_at timestamptz)"
    )
    op.execute(
        "CREATE UNIQUE INDEX one_open_attempt ON usage_attempts (payer_id) WHERE state = 'open'"
    )
    op.execute("CREATE INDEX untold_attempts ON usage_attempts (payer_id) WHERE NOT is_told")
    op.execute("CREATE INDEX open_usage_attempts ON usage_attempts (begun_at) WHERE state = 'open'")
    op.execute("ALTER TABLE packages ADD product_id text")  # savings plans are known by it
    for table in ("coupons", "usage_attempts"):
        bind_to_tenant(op, table, has_distributor=True)
    op.execute(f"GRANT SELECT ON coupons TO {REQUEST_ROLE}")
    op.execute(f"GRANT SELECT, UPDATE ON usage_attempts TO {REQUEST_ROLE}")
