"""Bulk work with orders: jobs and their items."""

from alembic import op

from chassis.database import REQUEST_ROLE
from chassis.migrations import bind_to_tenant

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_JOBS = """
CREATE TABLE IF NOT EXISTS order_jobs (
    job_id text PRIMARY KEY,
    partner_id text NOT NULL,
    distributor_id text,
    kind text NOT NULL,
    status text NOT NULL,
    total bigint NOT NULL,
    started_by jsonb NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX IF NOT EXISTS jobs_of_partner ON order_jobs (partner_id, job_id);
CREATE INDEX IF NOT EXISTS jobs_running ON order_jobs (job_id) WHERE status = 'running';
CREATE INDEX IF NOT EXISTS jobs_ended ON order_jobs (ended_at) WHERE ended_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS order_job_items (
    job_id text NOT NULL REFERENCES order_jobs (job_id),
    position bigint NOT NULL,
    partner_id text NOT NULL,
    distributor_id text,
    wanted jsonb NOT NULL,
    state text NOT NULL,
    tries bigint NOT NULL,
    not_before timestamptz NOT NULL,
    order_id text,
    code text,
    detail text,
    detail_zh text,
    ended_at timestamptz,
    PRIMARY KEY (job_id, position)
);
CREATE INDEX IF NOT EXISTS job_items_waiting
    ON order_job_items (job_id, position) WHERE state = 'waiting'
"""


def upgrade() -> None:
    """Go forward."""
    for statement in _JOBS.split(";"):
        op.execute(statement)
    for table in ("order_jobs", "order_job_items"):
        op.execute(f"DROP POLICY IF EXISTS tenant ON {table}")
        bind_to_tenant(op, table, has_distributor=True)
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO {REQUEST_ROLE}")
