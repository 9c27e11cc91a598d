"""The vendor's side of real-name authentication: in standalone mode an administrator plays it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.errors import BadFieldError, NotFoundError
from chassis.identity import Principal, WrongPrincipalError
from customer_sync.customers.models import Customer

VERIFICATIONS_MAX = 500


class Verification(BaseModel):
    """What was verified (customer_type: 0 personal, 1 enterprise)."""

    model_config = ConfigDict(extra="forbid", strict=True)

    customer_name: str = Field(min_length=1, max_length=128)
    customer_type: Literal[0, 1]


class VerificationOf(Verification):
    """A verified name with the customer it belongs to, as one of many."""

    customer_id: str = Field(min_length=1, max_length=64)


class Verifications(BaseModel):
    """The body of POST /api/customers/verifications."""

    model_config = ConfigDict(extra="forbid", strict=True)

    verifications: list[VerificationOf] = Field(min_length=1, max_length=VERIFICATIONS_MAX)


async def verify_customers(
    session: AsyncSession, principal: Principal, wanted: Verifications, now: datetime
) -> Sequence[Customer]:
    """Many at once, all or none.

    Raises:
        WrongPrincipalError, NotFoundError: as of one.
        BadFieldError: a customer twice.

    """
    if not principal.is_administrator:
        raise WrongPrincipalError
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
    verification: Verification,
    now: datetime,
) -> Customer:
    """Record name and type as verified and state `customer.verified`.

    Raises:
        WrongPrincipalError: not an administrator.
        NotFoundError: no such customer.

    """
    if not principal.is_administrator:
        raise WrongPrincipalError
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
    verification: Verification,
    now: datetime,
) -> None:
    fact = customer.verify(verification.customer_name, verification.customer_type)
    outbox.publish(session, customer.fact(fact, now))
    audit.record(session, principal, "customer.verify", customer.id, now)
