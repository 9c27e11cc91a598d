"""A customer sees all its own orders and packages, whatever partner it had.

Reading alone: what a customer changes lies with its present partner, behind the tenant's policy.
Whoever acts for a customer has another name than the customer, and sees what its partner sees.
"""

from alembic import op

from chassis.database import REQUEST_ROLE

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_ITSELF = "(SELECT substring(current_setting('channelbus.principal', true) FROM '^customer:(.*)$'))"
_OWN = f"customer_id = {_ITSELF}"
_OF_OWN_ORDER = f"{_ITSELF} IS NOT NULL AND order_id IN (SELECT order_id FROM orders WHERE {_OWN})"
_TABLES = {
    "orders": _OWN,
    "payment_attempts": _OWN,
    "refunds": _OWN,
    "packages": _OWN,
    "package_items": _OWN,
    "package_deductions": _OWN,
    "order_lines": _OF_OWN_ORDER,
    "order_changes": _OF_OWN_ORDER,
}


def upgrade() -> None:
    """Go forward."""
    for table, own in _TABLES.items():
        op.execute(f"DROP POLICY IF EXISTS own_customer ON {table}")
        op.execute(
            f"CREATE POLICY own_customer ON {table} FOR SELECT TO {REQUEST_ROLE} USING ({own})"
        )
