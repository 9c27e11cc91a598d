"""Whether a member lets its enterprise master see what it consumes."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward; the members of before said so when they joined."""
    op.execute(
        "ALTER TABLE customers"
        " ADD COLUMN IF NOT EXISTS shows_consumption boolean NOT NULL DEFAULT false"
    )
    op.execute(
        "UPDATE customers c SET shows_consumption = true FROM enterprise_members m"
        " WHERE m.customer_id = c.id AND m.left_at IS NULL"
        " AND 'READ_CONSUME_BILL' = ANY (m.permission_ids)"
    )
