"""Whose enterprise member a customer is, who pays for it, and whose debt a line is."""

from alembic import op

from chassis.build_indexes import build_index, drop_index

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Go forward; whose member a customer is comes with its next event or a rebuild."""
    op.execute(
        "ALTER TABLE customers"
        " ADD COLUMN IF NOT EXISTS is_enterprise_master BOOLEAN DEFAULT false NOT NULL,"
        " ADD COLUMN IF NOT EXISTS enterprise_master_id TEXT,"
        " ADD COLUMN IF NOT EXISTS financial_custody BOOLEAN DEFAULT false NOT NULL"
    )
    build_index(
        op,
        "bill_lines_owed_by",
        "bill_lines (coalesce(payer_id, customer_id), trade_time, line_id) WHERE debt_amount > 0",
    )
    drop_index(op, "bill_lines_owed")
