"""Files of usage that were sent, and their rows that were refused."""

from alembic import op

from chassis.database import REQUEST_ROLE
from chassis.migrations import bind_to_tenant

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.execute(
        "CREATE TABLE usage_files (file_id text PRIMARY KEY, partner_id text NOT NULL,"
        " distributor_id text, file_name text NOT NULL, bytes bigint NOT NULL,"
        " sha256 text NOT NULL, keep text NOT NULL, parts_total bigint NOT NULL,"
        " parts_received jsonb NOT NULL, status text NOT NULL, is_checked boolean NOT NULL,"
        " rows_read bigint NOT NULL, rows_charged bigint NOT NULL, rows_known bigint NOT NULL,"
        " rows_refused bigint NOT NULL, refused jsonb,"
        " tries bigint NOT NULL, holder text, held_until timestamptz,"
        " created_at timestamptz NOT NULL, ended_at timestamptz, version bigint NOT NULL)"
    )
    op.execute(
        "CREATE INDEX usage_files_to_do ON usage_files (file_id)"
        " WHERE status IN ('queued', 'running')"
    )
    op.execute(
        "CREATE TABLE usage_refusals (file_id text NOT NULL, number bigint NOT NULL,"
        " partner_id text NOT NULL, distributor_id text, member text, line bigint NOT NULL,"
        " record_id text, customer_id text, code text NOT NULL, reason text NOT NULL,"
        " PRIMARY KEY (file_id, number))"
    )
    for table in ("usage_files", "usage_refusals"):
        bind_to_tenant(op, table, has_distributor=True)
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON usage_files TO {REQUEST_ROLE}")
    op.execute(f"GRANT SELECT ON usage_refusals TO {REQUEST_ROLE}")
