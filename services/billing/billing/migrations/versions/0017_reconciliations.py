"""The vendor's bills, their rows, and where they differ from ours."""

from alembic import op

from chassis.database import REQUEST_ROLE
from chassis.migrations import bind_to_tenant

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.execute(
        "CREATE TABLE reconciliations (reconciliation_id text PRIMARY KEY,"
        " partner_id text NOT NULL, distributor_id text, currency text NOT NULL,"
        " cycle text NOT NULL, file_name text NOT NULL, bytes bigint NOT NULL,"
        " sha256 text NOT NULL, parts_total bigint NOT NULL, parts_received jsonb NOT NULL,"
        " status text NOT NULL, rows_read bigint NOT NULL, totals jsonb NOT NULL, refused jsonb,"
        " tries bigint NOT NULL, holder text, held_until timestamptz,"
        " created_at timestamptz NOT NULL, ended_at timestamptz, version bigint NOT NULL)"
    )
    op.execute(
        "CREATE INDEX reconciliations_of_partner ON reconciliations (partner_id, reconciliation_id)"
    )
    op.execute(
        "CREATE INDEX reconciliations_to_do ON reconciliations (reconciliation_id)"
        " WHERE status IN ('queued', 'reading', 'comparing')"
    )
    op.execute(
        "CREATE TABLE vendor_rows (reconciliation_id text NOT NULL, number bigint NOT NULL,"
        " partner_id text NOT NULL, distributor_id text, member text NOT NULL,"
        " line bigint NOT NULL, customer_id text NOT NULL, trade_id text NOT NULL,"
        " product_id text NOT NULL, trade_time timestamptz, region_code text NOT NULL,"
        " charging_mode text NOT NULL, currency text NOT NULL, official numeric(38, 10),"
        " discount numeric(38, 10), payment numeric(38, 10) NOT NULL, columns jsonb NOT NULL,"
        " others jsonb NOT NULL, PRIMARY KEY (reconciliation_id, number))"
    )
    op.execute(
        "CREATE TABLE reconciliation_differences ("
        " reconciliation_id text NOT NULL REFERENCES reconciliations, number bigint NOT NULL,"
        " partner_id text NOT NULL, distributor_id text, kind text NOT NULL,"
        " customer_id text NOT NULL, currency text NOT NULL,"
        " difference numeric(38, 10) NOT NULL, reason text, ours jsonb, theirs jsonb,"
        " state text NOT NULL, note text, decided_by text, decided_at timestamptz,"
        " PRIMARY KEY (reconciliation_id, number))"
    )
    op.execute(
        "CREATE INDEX differences_by_state"
        " ON reconciliation_differences (reconciliation_id, state, number)"
    )
    for table in ("reconciliations", "vendor_rows", "reconciliation_differences"):
        bind_to_tenant(op, table, has_distributor=True)
        op.execute(f"GRANT SELECT ON {table} TO {REQUEST_ROLE}")
    op.execute(f"GRANT INSERT, UPDATE ON reconciliations TO {REQUEST_ROLE}")
    op.execute(f"GRANT UPDATE ON reconciliation_differences TO {REQUEST_ROLE}")
    # A part of a file that is sent again takes the place of what came before.
    op.execute(f"GRANT DELETE ON file_pieces TO {REQUEST_ROLE}")
