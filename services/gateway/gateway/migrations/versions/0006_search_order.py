"""Indexes that the search's orders lie in, whoever asks; and of types and managers' ids.

Reads and writes go on meanwhile. A new database has them already.
"""

from alembic import op

from chassis.build_indexes import build_index, drop_index

revision = "0006"
down_revision = "0005"

_MADE = (
    ("portfolio_by_age", "coalesce(associated_on, registered_at), customer_id"),
    ("portfolio_by_account_name", "account_name, customer_id"),
    ("portfolio_by_amount", "consumption_cycle, consumption_amount, customer_id"),
    ("portfolio_by_type", "partner_id, association_status, association_type"),
    ("portfolio_by_manager_id", "partner_id, account_manager_id"),
)
_NO_MORE = ("portfolio_by_association", "portfolio_by_name", "portfolio_by_consumption")


def upgrade() -> None:
    """Go forward; the old ones serve until the new ones do."""
    for name, columns in _MADE:
        build_index(op, name, f"portfolio_customers ({columns})")
    op.execute("ANALYZE portfolio_customers")  # of what is computed, too
    for name in _NO_MORE:
        drop_index(op, name)
