"""How our own API shows a customer: as the feed and the portfolio do."""

from collections.abc import Iterable

from contracts.customer import Customer as CustomerAnswer
from customer_sync.customers.models import Customer
from wire.native import NativeAnswer


class CustomersAnswer(NativeAnswer):
    """Customers, in the order they were named."""

    customers: list[CustomerAnswer]


class NewCustomerTagAnswer(NativeAnswer):
    """Whether the customer counts as new, and in which months."""

    customer_id: str
    tag: str
    effective_month: str
    expire_month: str


def native_customer(customer: Customer) -> CustomerAnswer:
    """Who it is, who holds it and since when."""
    return CustomerAnswer.model_validate(customer)


def native_customers(customers: Iterable[Customer]) -> CustomersAnswer:
    """Several of them."""
    return CustomersAnswer(customers=[native_customer(one) for one in customers])
