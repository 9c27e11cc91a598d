"""The vendor's side of real-name authentication: in standalone mode an administrator plays it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.errors import BadFieldError, NotFoundError
from chassis.identity import Principal
from customer_sync.customers.facts import customer_fact
from customer_sync.customers.models import Customer

VERIFICATIONS_MAX = 500


class VerifyCustomer(BaseModel):
    """What was verified (customer_type: 0 personal, 1 enterprise)."""

    model_config = ConfigDict(extra="forbid", strict=True)

    customer_name: str = Field(min_length=1, max_length=128)
    customer_type: Literal[0, 1]


class VerificationOf(VerifyCustomer):
    """A verified name with the customer it belongs to, as one of many."""

    customer_id: str = Field(min_length=1, max_length=64)


class VerifyCustomers(BaseModel):
    """The body of POST /api/customers/verifications."""

    model_config = ConfigDict(extra="forbid", strict=True)

    verifications: list[VerificationOf] = Field(min_length=1, max_length=VERIFICATIONS_MAX)


async def verify_customers(
    session: AsyncSession, principal: Principal, wanted: VerifyCustomers, now: datetime
) -> Sequence[Customer]:
    """Many at once, all or none.

    Raises:
        NotFoundError: as of one.
        BadFieldError: a customer twice.

    """
    told = {verification.customer_id: verification for verification in wanted.verifications}
    if len(told) < len(wanted.verifications):
        raise BadFieldError("verifications", "a customer twice")
    # One order for all who lock many: none waits for another that waits for it.
    found = await session.scalars(
        select(Customer).where(Customer.id.in_(told)).order_by(Customer.id).with_for_update()
    )
    customers = found.all()
    if len(customers) < len(told):
        raise NotFoundError
    for customer in customers:
        _verify(session, principal, customer, told[customer.id], now)
    return customers


async def verify_customer(
    session: AsyncSession,
    principal: Principal,
    customer_id: str,
    verification: VerifyCustomer,
    now: datetime,
) -> Customer:
    """Record name and type as verified and state `customer.verified`.

    Raises:
        NotFoundError: no such customer.

    """
    customer = await session.scalar(
        select(Customer).where(Customer.id == customer_id).with_for_update()
    )
    if customer is None:
        raise NotFoundError
    _verify(session, principal, customer, verification, now)
    return customer


def _verify(
    session: AsyncSession,
    principal: Principal,
    customer: Customer,
    verification: VerifyCustomer,
    now: datetime,
) -> None:
    fact = customer.verify(verification.customer_name, verification.customer_type)
    outbox.publish(session, customer_fact(fact, customer, now))
    audit.record(session, principal, "customer.verify", customer.id, now)
