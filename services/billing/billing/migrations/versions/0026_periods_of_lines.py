"""Lines whose periods reach a month are found without a look at all lines of before.

And settled sums have the index that the version before named as one that there was.
"""

from alembic import op

from chassis.build_indexes import build_index, build_index_of_parts

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    build_index_of_parts(
        op,
        "bill_lines_of_periods",
        "bill_lines",
        "(customer_id, period_end_at) WHERE period_end_at IS NOT NULL",
    )
    build_index(op, "settled_of_partner", "settlement_sums (partner_id, cycle, bill_number)")
