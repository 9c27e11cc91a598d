"""Issues of coupons to many customers: jobs and their items."""

from alembic import op

from chassis.database import REQUEST_ROLE
from chassis.migrations import bind_to_tenant

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_JOBS = """
CREATE TABLE coupon_issues (
    job_id text PRIMARY KEY,
    partner_id text NOT NULL,
    distributor_id text,
    quota_id text NOT NULL,
    indirect_partner_id text,
    currency text NOT NULL,
    status text NOT NULL,
    total bigint NOT NULL,
    started_by jsonb NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX coupon_issues_of ON coupon_issues (partner_id, status);
CREATE INDEX coupon_issues_running ON coupon_issues (job_id) WHERE status = 'running';
CREATE INDEX coupon_issues_ended ON coupon_issues (ended_at) WHERE ended_at IS NOT NULL;
CREATE TABLE coupon_issue_items (
    job_id text NOT NULL REFERENCES coupon_issues (job_id),
    position bigint NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    wanted jsonb NOT NULL,
    state text NOT NULL,
    tries bigint NOT NULL,
    not_before timestamptz NOT NULL,
    coupon_id text,
    code text,
    detail text,
    detail_zh text,
    ended_at timestamptz,
    PRIMARY KEY (job_id, position)
);
CREATE INDEX coupon_issue_items_waiting
    ON coupon_issue_items (job_id, position) WHERE state = 'waiting'
"""


def upgrade() -> None:
    """Go forward."""
    for statement in _JOBS.split(";"):
        op.execute(statement)
    for table in ("coupon_issues", "coupon_issue_items"):
        bind_to_tenant(op, table, has_distributor=True)
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO {REQUEST_ROLE}")
