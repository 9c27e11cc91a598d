"""The custody members apart from all other customers; a new database has the index already."""

from alembic import op

from chassis.build_indexes import build_index

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    members = "customers (customer_id) WHERE paying_master_id IS NOT NULL"
    build_index(op, "customers_with_master", members)
