"""Applications of partners for test coupons, and a copy of their solutions."""

from alembic import op

from chassis.database import REQUEST_ROLE
from chassis.migrations import bind_to_tenant

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_TABLES = (
    """
    CREATE TABLE solutions (
        solution_id TEXT NOT NULL,
        partner_id TEXT NOT NULL,
        distributor_id TEXT,
        certification TEXT NOT NULL,
        version BIGINT NOT NULL,
        PRIMARY KEY (solution_id)
    )
    """,
    """
    CREATE TABLE applications (
        id TEXT NOT NULL,
        partner_id TEXT NOT NULL,
        distributor_id TEXT,
        solution_id TEXT NOT NULL,
        status TEXT NOT NULL,
        currency TEXT NOT NULL,
        amount NUMERIC(38, 2) NOT NULL,
        approved_amount NUMERIC(38, 2),
        resource_list_url TEXT NOT NULL,
        remark TEXT,
        reason TEXT,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        decided_at TIMESTAMP WITH TIME ZONE,
        version BIGINT NOT NULL,
        PRIMARY KEY (id),
        CONSTRAINT approved_amounts
            CHECK ((status = 'approved') = (approved_amount IS NOT NULL)),
        CONSTRAINT at_most_what_was_asked CHECK (approved_amount <= amount)
    )
    """,
)
_INDEXES = (
    "CREATE INDEX applications_of ON applications (partner_id, id)",
    "CREATE INDEX applications_of_solution ON applications (solution_id)",
    "CREATE UNIQUE INDEX applications_open ON applications (partner_id) WHERE status = 'pending'",
)


def upgrade() -> None:
    """Go forward."""
    for statement in (*_TABLES, *_INDEXES):
        op.execute(statement)
    for table in ("solutions", "applications"):
        bind_to_tenant(op, table, has_distributor=True)
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {REQUEST_ROLE}")
