"""What a reserved coupon pays of each line, and the members of combined orders.

The members of older orders come with their next event or a rebuild.
"""

from alembic import op

from chassis.build_indexes import build_index

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.execute(
        "ALTER TABLE reservations ADD COLUMN IF NOT EXISTS lines jsonb NOT NULL DEFAULT '[]'"
    )
    op.execute(
        "ALTER TABLE orders ADD COLUMN IF NOT EXISTS member_ids text[] NOT NULL DEFAULT '{}'"
    )
    build_index(op, "orders_of_members", "orders USING gin (member_ids)")
