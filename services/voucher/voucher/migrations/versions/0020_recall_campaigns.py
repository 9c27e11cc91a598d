"""Recall campaigns and their items; what a campaign may ask of a customer."""

from alembic import op

from chassis.database import REQUEST_ROLE
from chassis.migrations import bind_to_tenant

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_CAMPAIGNS = """
ALTER TABLE customers ADD COLUMN label text;
ALTER TABLE customers ADD COLUMN account_manager_id text;
CREATE TABLE recall_campaigns (
    job_id text PRIMARY KEY,
    partner_id text NOT NULL,
    distributor_id text,
    currency text NOT NULL,
    filter jsonb NOT NULL,
    reason text,
    status text NOT NULL,
    preview text,
    total bigint NOT NULL,
    amount numeric NOT NULL,
    started_by jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    ended_at timestamptz
);
CREATE INDEX recall_campaigns_of ON recall_campaigns (partner_id, status);
CREATE INDEX recall_campaigns_running ON recall_campaigns (job_id) WHERE status = 'running';
CREATE INDEX recall_campaigns_ended ON recall_campaigns (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX recall_campaigns_planned ON recall_campaigns (created_at) WHERE status = 'planned';
CREATE TABLE recall_campaign_items (
    job_id text NOT NULL REFERENCES recall_campaigns (job_id),
    position bigint NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    coupon_id text NOT NULL,
    quota_id text NOT NULL,
    customer_id text NOT NULL,
    amount numeric NOT NULL,
    recalled_amount numeric,
    state text NOT NULL,
    tries bigint NOT NULL,
    not_before timestamptz NOT NULL,
    code text,
    detail text,
    detail_zh text,
    ended_at timestamptz,
    PRIMARY KEY (job_id, position)
);
CREATE INDEX recall_campaign_items_waiting
    ON recall_campaign_items (job_id, position) WHERE state = 'waiting'
"""


def upgrade() -> None:
    """Go forward."""
    for statement in _CAMPAIGNS.split(";"):
        op.execute(statement)
    for table in ("recall_campaigns", "recall_campaign_items"):
        bind_to_tenant(op, table, has_distributor=True)
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO {REQUEST_ROLE}")
