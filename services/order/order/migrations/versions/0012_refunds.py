"""Unsubscriptions: what goes back of which period, and which coupons paid it.

A release before used one coupon of a type in a payment, so that the coupons of its periods are
known from the attempt that paid. In portions that each commit.
"""

from alembic import op
from sqlalchemy import text

from chassis.build_indexes import build_index
from chassis.database import REQUEST_ROLE
from chassis.migrations import bind_to_tenant

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_COLUMNS = {
    "orders": [
        "consumed_amount numeric(38, 2) NOT NULL DEFAULT 0",
        "commission_amount numeric(38, 2) NOT NULL DEFAULT 0",
    ],
    "order_lines": [
        "consumed_amount numeric(38, 2) NOT NULL DEFAULT 0",
        "commission_amount numeric(38, 2) NOT NULL DEFAULT 0",
        "resource_id text",
    ],
    "resource_periods": [
        "coupons jsonb NOT NULL DEFAULT '[]'",
        "payer_id text",
        "refund_order_id text",
    ],
}
_REFUNDS = """
CREATE TABLE IF NOT EXISTS refunds (
    refund_id text PRIMARY KEY,
    order_id text NOT NULL REFERENCES orders (order_id),
    line_id text NOT NULL,
    number bigint NOT NULL,
    resource_id text NOT NULL,
    period_id text NOT NULL,
    base_order_id text NOT NULL,
    base_line_id text NOT NULL,
    customer_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    payer_id text,
    at timestamptz NOT NULL,
    rule text NOT NULL,
    counts boolean NOT NULL,
    paid_amount numeric(38, 2) NOT NULL,
    consumed_amount numeric(38, 2) NOT NULL,
    commission_amount numeric(38, 2) NOT NULL,
    coupon_amount numeric(38, 2) NOT NULL,
    flexipurchase_coupon_amount numeric(38, 2) NOT NULL,
    stored_card_amount numeric(38, 2) NOT NULL,
    cash_amount numeric(38, 2) NOT NULL,
    credit_amount numeric(38, 2) NOT NULL,
    coupons jsonb NOT NULL
);
CREATE INDEX IF NOT EXISTS refunds_of_order ON refunds (order_id, number);
CREATE UNIQUE INDEX IF NOT EXISTS refunds_of_period ON refunds (period_id);
CREATE INDEX IF NOT EXISTS refunds_counted ON refunds (customer_id, at) WHERE counts
"""
PORTION_PERIODS = 2_000

_LAST = text("""
    SELECT count(*), max(period_id) FROM (
        SELECT period_id FROM resource_periods WHERE period_id > :after
        ORDER BY period_id LIMIT :rows
    ) AS portion
""")
_COUPONS = text("""
    UPDATE resource_periods AS p SET payer_id = o.paying_agent_id, coupons = COALESCE((
        SELECT jsonb_agg(jsonb_build_object(
            'coupon_id', use->>'coupon_id', 'coupon_type', (use->>'coupon_type')::int,
            'amount', CASE use->>'coupon_type' WHEN '1' THEN p.coupon_amount
                      ELSE p.flexipurchase_coupon_amount END::text))
        FROM payment_attempts AS a, jsonb_array_elements(a.coupons) AS use
        WHERE a.order_id = p.order_id AND a.state = 'paid'
          AND CASE use->>'coupon_type' WHEN '1' THEN p.coupon_amount
              ELSE p.flexipurchase_coupon_amount END > 0
    ), '[]')
    FROM orders AS o WHERE o.order_id = p.order_id
      AND p.period_id > :after AND p.period_id <= :last
      AND (o.paying_agent_id IS NOT NULL OR p.coupon_amount + p.flexipurchase_coupon_amount > 0)
""")


def upgrade() -> None:
    """Go forward."""
    for table, columns in _COLUMNS.items():
        for column in columns:
            op.execute(f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {column}")
    for statement in _REFUNDS.split(";"):
        op.execute(statement)
    op.execute("DROP POLICY IF EXISTS tenant ON refunds")
    bind_to_tenant(op, "refunds", has_distributor=True)
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON refunds TO {REQUEST_ROLE}")
    build_index(
        op, "order_lines_of_resource", "order_lines (resource_id) WHERE resource_id IS NOT NULL"
    )
    with op.get_context().autocommit_block():
        engine = op.get_bind().engine
        after = ""
        with engine.connect() as connection:
            while True:
                with connection.begin():
                    found = connection.execute(_LAST, {"after": after, "rows": PORTION_PERIODS})
                    portion, last = found.one()
                    if not portion:
                        return
                    connection.execute(_COUPONS, {"after": after, "last": last})
                after = last
