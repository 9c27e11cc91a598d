"""A pause between two codes to one phone, and when the last wrong one was tried."""

from alembic import op

from chassis.migrations import create_tables
from customer_sync.codes.models import CodePause

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    create_tables(op, CodePause.metadata, CodePause.__tablename__)
    op.execute("ALTER TABLE verification_codes ADD COLUMN IF NOT EXISTS failed_at timestamptz")
