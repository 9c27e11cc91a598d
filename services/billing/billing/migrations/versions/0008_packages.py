"""Copies of packages, what is left of their cycles, and what was taken for which usage."""

from alembic import op

from chassis.database import REQUEST_ROLE
from chassis.migrations import bind_to_tenant

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE IF NOT EXISTS packages (
    package_id text PRIMARY KEY,
    customer_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    region_code text NOT NULL,
    quota_reuse_cycle bigint,
    quota_reuse_cycle_type bigint,
    status bigint NOT NULL,
    effective_at timestamptz NOT NULL,
    expire_at timestamptz NOT NULL,
    items jsonb NOT NULL,
    version bigint NOT NULL
);
CREATE INDEX IF NOT EXISTS packages_of_customer ON packages (customer_id, expire_at);
CREATE TABLE IF NOT EXISTS package_cycles (
    item_id text NOT NULL,
    begin_at timestamptz NOT NULL,
    package_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    left_amount numeric(38, 10) NOT NULL CONSTRAINT not_below_zero CHECK (left_amount >= 0),
    taken_times bigint NOT NULL,
    PRIMARY KEY (item_id, begin_at)
);
CREATE TABLE IF NOT EXISTS package_deductions (
    deduction_id text PRIMARY KEY,
    record_id text NOT NULL,
    item_id text NOT NULL,
    package_id text NOT NULL,
    customer_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    cycle_begin_at timestamptz NOT NULL,
    cycle_end_at timestamptz NOT NULL,
    number bigint NOT NULL,
    resource_id text NOT NULL,
    resource_type_code text NOT NULL,
    resource_type_name text NOT NULL,
    usage_type_code text NOT NULL,
    measure_id bigint NOT NULL,
    available_amount numeric(38, 10) NOT NULL,
    used_amount numeric(38, 10) NOT NULL,
    remaining_amount numeric(38, 10) NOT NULL,
    price numeric(38, 10) NOT NULL,
    discount numeric(38, 10) NOT NULL,
    used_from timestamptz,
    used_until timestamptz NOT NULL,
    deducted_at timestamptz NOT NULL,
    charged_at timestamptz
);
CREATE UNIQUE INDEX IF NOT EXISTS deductions_of_record ON package_deductions (record_id, item_id);
CREATE INDEX IF NOT EXISTS deductions_of_package ON package_deductions (package_id)
"""


def upgrade() -> None:
    """Go forward."""
    op.execute(
        "ALTER TABLE bill_lines ADD COLUMN IF NOT EXISTS free_resource_usage numeric(38, 10)"
    )
    op.execute("ALTER TABLE bill_lines ADD COLUMN IF NOT EXISTS free_resource_measure_id bigint")
    for statement in _TABLES.split(";"):
        op.execute(statement)
    for table in ("packages", "package_cycles", "package_deductions"):
        op.execute(f"DROP POLICY IF EXISTS tenant ON {table}")
        bind_to_tenant(op, table, has_distributor=True)
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {REQUEST_ROLE}")
