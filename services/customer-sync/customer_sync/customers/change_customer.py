"""Change what the partner itself says of a customer: its label and its account manager."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.errors import RefusedError
from chassis.identity import Principal
from contracts.customer import CustomerUpdated
from customer_sync.customers.facts import customer_fact
from customer_sync.customers.find_customer import find_customer
from customer_sync.customers.models import Customer


class AccountManager(BaseModel):
    """Who looks after the customer (业务员)."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: str = Field(min_length=1, max_length=64)
    name: str = Field(min_length=1, max_length=128)


class ChangeCustomer(BaseModel):
    """What is absent stays; what is null is taken away."""

    model_config = ConfigDict(extra="forbid", strict=True)

    label: str | None = Field(default=None, max_length=64)
    account_manager: AccountManager | None = None


class ChangedMeanwhileError(RefusedError):
    """The version in If-Match is not the customer's."""

    code = "CHB.0412"


async def change_customer(
    session: AsyncSession,
    principal: Principal,
    customer_id: str,
    changes: ChangeCustomer,
    expected_version: int | None,
    now: datetime,
) -> Customer:
    """Change it and state `customer.updated`; nothing is stated when nothing changes.

    Raises:
        NotFoundError: not the caller's.
        ChangedMeanwhileError: another version than the expected one.

    """
    customer = await find_customer(session, principal, customer_id)
    if expected_version is not None and customer.version != expected_version:
        raise ChangedMeanwhileError(f"the version is {customer.version}")
    before = _described(customer)
    if "label" in changes.model_fields_set:
        customer.label = changes.label or None
    if "account_manager" in changes.model_fields_set:
        manager = changes.account_manager
        customer.account_manager_id = manager.id if manager else None
        customer.account_manager_name = manager.name if manager else None
    if _described(customer) != before:
        outbox.publish(session, customer_fact(CustomerUpdated, customer, now))
        fields = sorted(changes.model_fields_set)
        audit.record(session, principal, "customer.change", customer.id, now, fields=fields)
    return customer


def _described(customer: Customer) -> tuple[str | None, ...]:
    return customer.label, customer.account_manager_id, customer.account_manager_name
