"""Exports, their parts, and the pieces of files that billing makes or is sent."""

from alembic import op

from chassis.database import REQUEST_ROLE
from chassis.migrations import bind_to_tenant

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.execute(
        "CREATE TABLE file_pieces (file_id text NOT NULL, position bigint NOT NULL,"
        " partner_id text NOT NULL, distributor_id text, content bytea NOT NULL,"
        " PRIMARY KEY (file_id, position))"
    )
    # Packed already: PostgreSQL need not try again.
    op.execute("ALTER TABLE file_pieces ALTER COLUMN content SET STORAGE EXTERNAL")
    op.execute(
        "CREATE TABLE exports (export_id text PRIMARY KEY, partner_id text NOT NULL,"
        " distributor_id text, site text NOT NULL, cycle text NOT NULL, format text NOT NULL,"
        " view text NOT NULL, language text NOT NULL, subscription_id text, status text NOT NULL,"
        " known_at timestamptz NOT NULL, rows_total bigint, rows_done bigint NOT NULL,"
        " portion bigint NOT NULL, after text, is_whole boolean NOT NULL, tries bigint NOT NULL,"
        " holder text, held_until timestamptz, failure text, created_at timestamptz NOT NULL,"
        " started_at timestamptz, ended_at timestamptz, expires_at timestamptz,"
        " version bigint NOT NULL)"
    )
    op.execute("CREATE INDEX exports_of_partner ON exports (partner_id, export_id)")
    op.execute(
        "CREATE INDEX exports_to_make ON exports (export_id) WHERE status IN ('queued', 'running')"
    )
    op.execute("CREATE INDEX exports_to_expire ON exports (expires_at) WHERE status = 'ready'")
    op.execute(
        "CREATE TABLE export_parts (export_id text NOT NULL REFERENCES exports,"
        " number bigint NOT NULL, partner_id text NOT NULL, distributor_id text,"
        " file_name text NOT NULL, media_type text NOT NULL, rows bigint NOT NULL,"
        " pieces bigint NOT NULL, bytes bigint NOT NULL, sha256 text,"
        " PRIMARY KEY (export_id, number))"
    )
    for table in ("file_pieces", "exports", "export_parts"):
        bind_to_tenant(op, table, has_distributor=True)
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON exports TO {REQUEST_ROLE}")
    op.execute(f"GRANT SELECT, INSERT ON file_pieces TO {REQUEST_ROLE}")
    op.execute(f"GRANT SELECT ON export_parts TO {REQUEST_ROLE}")
