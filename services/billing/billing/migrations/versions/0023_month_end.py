"""Months are closed and partners' bills settled, on copies of their vouchers."""

from alembic import op

from chassis.database import REQUEST_ROLE
from chassis.migrations import bind_to_tenant

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_TABLES = """
ALTER TABLE partners ADD COLUMN IF NOT EXISTS coupon_mode text NOT NULL
    DEFAULT 'issue_to_customers';
CREATE TABLE IF NOT EXISTS partner_vouchers (
    voucher_id text PRIMARY KEY,
    partner_id text NOT NULL,
    distributor_id text,
    currency text NOT NULL,
    balance numeric(38, 2) NOT NULL,
    effective_at timestamptz NOT NULL,
    expire_at timestamptz NOT NULL,
    limits jsonb,
    version bigint NOT NULL
);
CREATE INDEX IF NOT EXISTS vouchers_of_partner ON partner_vouchers (partner_id, voucher_id);
CREATE TABLE IF NOT EXISTS unlinkings (
    customer_id text NOT NULL,
    at timestamptz NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    PRIMARY KEY (customer_id, at)
);
CREATE TABLE IF NOT EXISTS cycles (
    cycle text PRIMARY KEY,
    partner_id text NOT NULL DEFAULT '*',
    state text NOT NULL,
    is_held boolean NOT NULL,
    held_because text,
    waived jsonb NOT NULL,
    closing_at timestamptz,
    closed_at timestamptz,
    closed_by_itself boolean,
    open_items jsonb NOT NULL,
    version bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS settlements (
    settlement_id text PRIMARY KEY,
    partner_id text NOT NULL,
    distributor_id text,
    cycle text NOT NULL,
    number bigint NOT NULL,
    corrects text,
    reason text,
    site text NOT NULL,
    currency text NOT NULL,
    state text NOT NULL,
    failed_at text,
    failed_because text,
    is_current boolean NOT NULL,
    lines_total bigint,
    lines_done bigint NOT NULL,
    last_trade_time timestamptz,
    last_is_refund boolean,
    last_line_id text,
    digest text NOT NULL,
    customer_amount numeric(38, 2) NOT NULL,
    settlement_amount numeric(38, 2) NOT NULL,
    adjustment_amount numeric(38, 2) NOT NULL,
    voucher_amount numeric(38, 2) NOT NULL,
    forfeited_amount numeric(38, 2) NOT NULL,
    due_amount numeric(38, 2) NOT NULL,
    performance_amount numeric(38, 2) NOT NULL,
    requested_at timestamptz NOT NULL,
    settled_at timestamptz,
    published_at timestamptz,
    version bigint NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS settlements_of_partner
    ON settlements (partner_id, cycle, number);
CREATE UNIQUE INDEX IF NOT EXISTS settlements_under_way ON settlements (partner_id, cycle)
    WHERE state IN ('requested', 'reading', 'matching', 'totalling', 'failed');
CREATE INDEX IF NOT EXISTS settlements_unpublished ON settlements (settlement_id)
    WHERE state <> 'published';
CREATE TABLE IF NOT EXISTS settlement_vouchers (
    settlement_id text NOT NULL REFERENCES settlements (settlement_id),
    voucher_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    found jsonb NOT NULL,
    remaining numeric(38, 2) NOT NULL,
    left_amount numeric(38, 2) NOT NULL,
    paid_amount numeric(38, 2) NOT NULL,
    restored_amount numeric(38, 2) NOT NULL,
    lapsed_amount numeric(38, 2) NOT NULL,
    taken_before numeric(38, 2) NOT NULL,
    lapsed_before numeric(38, 2) NOT NULL,
    awaited bigint NOT NULL,
    PRIMARY KEY (settlement_id, voucher_id)
);
CREATE TABLE IF NOT EXISTS settled_lines (
    settlement_id text NOT NULL,
    position bigint NOT NULL,
    line_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    customer_id text NOT NULL,
    account_id text NOT NULL,
    association_type text NOT NULL,
    account_manager_id text,
    trade_time timestamptz NOT NULL,
    service_type_code text NOT NULL,
    charging_mode bigint NOT NULL,
    bill_type bigint NOT NULL,
    customer_amount numeric(38, 2) NOT NULL,
    settlement_type text NOT NULL,
    settlement_discount numeric(38, 4) NOT NULL,
    settlement_amount numeric(38, 2) NOT NULL,
    voucher_amount numeric(38, 2) NOT NULL,
    forfeited_amount numeric(38, 2) NOT NULL,
    due_amount numeric(38, 2) NOT NULL,
    performance_amount numeric(38, 2) NOT NULL,
    refund_of text,
    refund_case text,
    vouchers jsonb,
    PRIMARY KEY (settlement_id, position)
);
CREATE INDEX IF NOT EXISTS settled_lines_by_line ON settled_lines (line_id);
CREATE INDEX IF NOT EXISTS settled_lines_refunding ON settled_lines (refund_of)
    WHERE refund_of IS NOT NULL;
CREATE TABLE IF NOT EXISTS settlement_sums (
    settlement_id text NOT NULL REFERENCES settlements (settlement_id),
    number bigint NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    cycle text NOT NULL,
    bill_number bigint NOT NULL,
    currency text NOT NULL,
    customer_id text NOT NULL,
    association_type text NOT NULL,
    account_manager_id text,
    service_type_code text NOT NULL,
    charging_mode bigint NOT NULL,
    settlement_type text NOT NULL,
    lines bigint NOT NULL,
    customer_amount numeric(38, 2) NOT NULL,
    settlement_amount numeric(38, 2) NOT NULL,
    voucher_amount numeric(38, 2) NOT NULL,
    forfeited_amount numeric(38, 2) NOT NULL,
    due_amount numeric(38, 2) NOT NULL,
    performance_amount numeric(38, 2) NOT NULL,
    PRIMARY KEY (settlement_id, number)
);
CREATE INDEX IF NOT EXISTS sums_of_partner ON settlement_sums (partner_id, cycle, bill_number)
"""
_READ_BY_REQUESTS = ("settlement_vouchers", "settled_lines", "settlement_sums")
_WRITTEN_BY_REQUESTS = ("settlements",)
_BUS_ALONE = ("partner_vouchers", "unlinkings")


def upgrade() -> None:
    """Go forward."""
    for statement in _TABLES.split(";"):
        op.execute(statement)
    for table in (*_READ_BY_REQUESTS, *_WRITTEN_BY_REQUESTS, *_BUS_ALONE):
        op.execute(f"DROP POLICY IF EXISTS tenant ON {table}")
        bind_to_tenant(op, table, has_distributor=True)
        op.execute(f"GRANT SELECT ON {table} TO {REQUEST_ROLE}")
    for table in _WRITTEN_BY_REQUESTS:
        op.execute(f"GRANT INSERT, UPDATE ON {table} TO {REQUEST_ROLE}")
    op.execute("DROP POLICY IF EXISTS tenant ON cycles")
    bind_to_tenant(op, "cycles", has_distributor=False)
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON cycles TO {REQUEST_ROLE}")
