"""The system, where it orders and pays by itself (docs/domain/orders.md H.14)."""

from chassis.identity import Principal
from order.copies import Customer

SYSTEM = "system"  # who orders, pays and is audited then
SYSTEM_NAME = "运营系统"  # its user_name


def as_account(customer: Customer, account_id: str) -> Principal:
    """The system in the place of an account of the customer's partner."""
    return Principal(
        id=account_id,
        kind="customer",
        partner_id=customer.partner_id,
        distributor_id=customer.distributor_id,
        site=customer.site,
        operator_id=SYSTEM,
        login_name=SYSTEM_NAME,
    )
