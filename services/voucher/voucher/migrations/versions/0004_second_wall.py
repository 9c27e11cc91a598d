"""The second wall stands behind every table: an attempt is seen by who sees its customer."""

from alembic import op

from chassis.database import REQUEST_ROLE
from chassis.migrations import wall_kit_tables

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_VISIBLE = "EXISTS (SELECT FROM customers c WHERE c.customer_id = attempts.customer_id)"


def upgrade() -> None:
    """Go forward."""
    wall_kit_tables(op)
    op.execute("ALTER TABLE attempts ENABLE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant ON attempts TO {REQUEST_ROLE}"
        f" USING ({_VISIBLE}) WITH CHECK ({_VISIBLE})"
    )
