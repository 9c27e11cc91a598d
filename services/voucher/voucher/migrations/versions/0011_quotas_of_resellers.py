"""Quotas that distributors hand out, why coupons came back, and names of partners and customers.

The names come with the next events or a rebuild.
"""

from alembic import op

from chassis.build_indexes import build_index
from chassis.database import REQUEST_ROLE
from chassis.migrations import bind_to_tenant

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_RECORDS = """
CREATE TABLE IF NOT EXISTS quota_records (
    id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    operator text NOT NULL,
    operation_type text NOT NULL,
    quota_id text,
    parent_quota_id text NOT NULL,
    indirect_partner_id text NOT NULL,
    amount numeric(38, 2) NOT NULL,
    at timestamptz NOT NULL,
    result text NOT NULL,
    remark text,
    PRIMARY KEY (id)
)
"""
# A coupon that came back has one record of it at the same instant.
_WHY = """
UPDATE movements m SET operation_type = r.operation_type::bigint
FROM coupon_records r
WHERE m.kind = 'returned' AND m.operation_type IS NULL AND r.coupon_id = m.coupon_id
  AND r.at = m.at AND r.result = '0' AND r.operation_type <> '1'
"""


def upgrade() -> None:
    """Go forward."""
    op.execute(
        "ALTER TABLE quotas ADD COLUMN IF NOT EXISTS returned_amount numeric(38, 2)"
        " NOT NULL DEFAULT 0"
    )
    op.execute("ALTER TABLE movements ADD COLUMN IF NOT EXISTS operation_type bigint")
    op.execute("ALTER TABLE partners ADD COLUMN IF NOT EXISTS name text")
    op.execute("ALTER TABLE partners ADD COLUMN IF NOT EXISTS account_name text")
    op.execute("ALTER TABLE customers ADD COLUMN IF NOT EXISTS account_name text")
    op.execute(_WHY)
    if op.get_bind().exec_driver_sql("SELECT to_regclass('quota_records')").scalar() is None:
        op.execute(_RECORDS)
        bind_to_tenant(op, "quota_records", has_distributor=True)
        op.execute(f"GRANT SELECT, INSERT ON quota_records TO {REQUEST_ROLE}")
    build_index(op, "quota_records_of", "quota_records (partner_id, at)")
    build_index(op, "quotas_of_parent", "quotas (parent_quota_id)")
    build_index(op, "quotas_ending", "quotas (expire_at) WHERE quota_status = 0")
