"""What is watched: each hour's proof, the oldest hold; notes that are old are found by an index."""

from alembic import op

from chassis.build_indexes import build_index
from chassis.database import REQUEST_ROLE

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.execute("""
        CREATE TABLE IF NOT EXISTS proofs (
            id text PRIMARY KEY,
            at timestamptz NOT NULL,
            milliseconds bigint NOT NULL,
            differences bigint NOT NULL
        )
    """)
    op.execute(f"GRANT SELECT ON proofs TO {REQUEST_ROLE}")
    build_index(op, "attempts_open", "attempts (opened_at) WHERE state = 'open'")
    build_index(op, "coupon_notes_at", "coupon_notes (at)")
