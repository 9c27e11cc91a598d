"""Packages with their items, and what was taken of them."""

from alembic import op

from chassis.database import REQUEST_ROLE
from chassis.migrations import bind_to_tenant

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE IF NOT EXISTS packages (
    package_id text PRIMARY KEY,
    customer_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    order_id text NOT NULL,
    line_id text NOT NULL,
    product_id text NOT NULL,
    product_name text NOT NULL,
    service_type_code text NOT NULL,
    service_type_name text NOT NULL,
    resource_type_code text NOT NULL,
    resource_type_name text NOT NULL,
    resource_spec_code text NOT NULL,
    region_code text NOT NULL,
    quota_reuse_mode bigint NOT NULL,
    quota_reuse_cycle bigint,
    quota_reuse_cycle_type bigint,
    status bigint NOT NULL,
    effective_at timestamptz NOT NULL,
    expire_at timestamptz NOT NULL,
    cycle_begin_at timestamptz NOT NULL,
    cycle_end_at timestamptz NOT NULL,
    turn_at timestamptz,
    is_used boolean NOT NULL,
    official_amount numeric(38, 2) NOT NULL,
    coupon_amount numeric(38, 2) NOT NULL,
    flexipurchase_coupon_amount numeric(38, 2) NOT NULL,
    stored_card_amount numeric(38, 2) NOT NULL,
    cash_amount numeric(38, 2) NOT NULL,
    credit_amount numeric(38, 2) NOT NULL,
    coupons jsonb NOT NULL,
    payer_id text,
    refund_order_id text,
    updated_at timestamptz NOT NULL,
    version bigint NOT NULL
);
CREATE INDEX IF NOT EXISTS packages_of_customer ON packages (customer_id, effective_at);
CREATE INDEX IF NOT EXISTS packages_of_order ON packages (order_id);
CREATE INDEX IF NOT EXISTS packages_to_turn ON packages (turn_at) WHERE turn_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS package_items (
    item_id text PRIMARY KEY,
    package_id text NOT NULL REFERENCES packages (package_id),
    customer_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    number bigint NOT NULL,
    usage_type_code text NOT NULL,
    usage_type_name text NOT NULL,
    resource_type_code text NOT NULL,
    resource_type_name text NOT NULL,
    resource_spec_codes jsonb NOT NULL,
    measure_id bigint NOT NULL,
    original_amount numeric(38, 10) NOT NULL,
    amount numeric(38, 10) NOT NULL,
    taken_times bigint NOT NULL
);
CREATE INDEX IF NOT EXISTS items_of_package ON package_items (package_id, number);
CREATE TABLE IF NOT EXISTS package_deductions (
    deduction_id text PRIMARY KEY,
    item_id text NOT NULL,
    package_id text NOT NULL,
    customer_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    product_id text NOT NULL,
    product_name text NOT NULL,
    resource_id text NOT NULL,
    resource_type_code text NOT NULL,
    resource_type_name text NOT NULL,
    usage_type_code text NOT NULL,
    measure_id bigint NOT NULL,
    available_amount numeric(38, 10) NOT NULL,
    used_amount numeric(38, 10) NOT NULL,
    remaining_amount numeric(38, 10) NOT NULL,
    used_from timestamptz,
    used_until timestamptz NOT NULL,
    deducted_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS deductions_of_customer ON package_deductions (customer_id, deducted_at);
CREATE INDEX IF NOT EXISTS deductions_of_item ON package_deductions (item_id, deducted_at)
"""


def upgrade() -> None:
    """Go forward."""
    op.execute("ALTER TABLE order_lines ADD COLUMN IF NOT EXISTS package jsonb")
    for statement in _TABLES.split(";"):
        op.execute(statement)
    for table in ("packages", "package_items", "package_deductions"):
        op.execute(f"DROP POLICY IF EXISTS tenant ON {table}")
        bind_to_tenant(op, table, has_distributor=True)
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {REQUEST_ROLE}")
