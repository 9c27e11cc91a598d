"""The events of customers, each with the whole state after the fact."""

from datetime import datetime
from typing import TypeVar

from contracts.customer import CustomerEvent, CustomerRegistered, CustomerUpdated
from customer_sync.customers.models import Customer

Fact = TypeVar("Fact", bound=CustomerEvent)


def customer_registered(
    customer: Customer, now: datetime, credential_ref: str | None = None
) -> CustomerRegistered:
    """The account was made; the reference is told once, when the gateway binds the password."""
    customer.count_fact()
    return _fact(CustomerRegistered, customer, now, credential_ref=credential_ref)


def customer_fact(contract: type[Fact], customer: Customer, now: datetime) -> Fact:
    """The event of the customer's next version."""
    customer.count_fact()
    return _fact(contract, customer, now)


def customer_restated(customer: Customer, now: datetime) -> CustomerUpdated:
    """The present version once more."""
    return _fact(CustomerUpdated, customer, now)


def _fact(contract: type[Fact], customer: Customer, now: datetime, **own: str | None) -> Fact:
    """`own` are the fields of that contract alone."""
    return contract(
        occurred_at=now,
        partner_id=customer.partner_id,
        distributor_id=customer.distributor_id,
        version=customer.version,
        customer_id=customer.id,
        account_name=customer.account_name,
        customer_name=customer.customer_name,
        site=customer.site,
        currency=customer.currency,
        association_type=customer.association_type,
        association_status=customer.association_status,
        associated_on=customer.associated_on,
        unlinked_on=customer.unlinked_on,
        label=customer.label,
        mobile=customer.mobile,
        email=customer.email,
        account_manager_id=customer.account_manager_id,
        account_manager_name=customer.account_manager_name,
        customer_type=customer.customer_type,
        verified_status=customer.verified_status,
        is_frozen=customer.is_frozen,
        customer_level=customer.customer_level,
        registered_at=customer.registered_at,
        xaccount_id=customer.xaccount_id,
        xaccount_type=customer.xaccount_type,
        country_code=customer.country_code,
        is_enterprise_master=customer.is_enterprise_master,
        enterprise_master_id=customer.enterprise_master_id,
        financial_custody=customer.financial_custody,
        shows_consumption=customer.shows_consumption,
        **own,
    )
