"""Requests of customers to their partner to pay an order."""

from alembic import op

from chassis.database import REQUEST_ROLE
from chassis.migrations import bind_to_tenant

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_REQUESTS = """
CREATE TABLE IF NOT EXISTS payment_requests (
    request_id text PRIMARY KEY,
    order_id text NOT NULL REFERENCES orders (order_id),
    customer_id text NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    currency text NOT NULL,
    amount numeric(38, 2) NOT NULL,
    status text NOT NULL,
    requested_at timestamptz NOT NULL,
    ended_at timestamptz,
    reason text
);
CREATE UNIQUE INDEX IF NOT EXISTS one_open_request_per_order
    ON payment_requests (order_id) WHERE status = 'requested';
CREATE INDEX IF NOT EXISTS requests_of_order ON payment_requests (order_id, request_id);
CREATE INDEX IF NOT EXISTS requests_of_partner ON payment_requests (partner_id, request_id);
CREATE INDEX IF NOT EXISTS requests_of_distributor
    ON payment_requests (distributor_id, request_id) WHERE distributor_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS requests_of_customer ON payment_requests (customer_id, request_id)
"""


def upgrade() -> None:
    """Go forward."""
    for column in ("paying_partner_id", "payment_request_id"):
        op.execute(f"ALTER TABLE orders ADD COLUMN IF NOT EXISTS {column} text")
    for statement in _REQUESTS.split(";"):
        op.execute(statement)
    op.execute("DROP POLICY IF EXISTS tenant ON payment_requests")
    bind_to_tenant(op, "payment_requests", has_distributor=True)
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON payment_requests TO {REQUEST_ROLE}")
