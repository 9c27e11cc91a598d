"""The solutions of partners."""

from alembic import op

from chassis.database import REQUEST_ROLE
from chassis.migrations import bind_to_tenant

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE solutions (
    solution_id TEXT NOT NULL,
    partner_id TEXT NOT NULL,
    distributor_id TEXT,
    name TEXT NOT NULL,
    solution_class TEXT NOT NULL,
    certification TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (solution_id),
    FOREIGN KEY(partner_id) REFERENCES partners (partner_id)
)
"""


def upgrade() -> None:
    """Go forward."""
    op.execute(_TABLE)
    op.execute("CREATE INDEX solutions_of ON solutions (partner_id, solution_id)")
    bind_to_tenant(op, "solutions", has_distributor=True)
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON solutions TO {REQUEST_ROLE}")
