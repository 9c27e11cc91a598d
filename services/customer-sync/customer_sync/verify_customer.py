"""The vendor's side of real-name authentication: in standalone mode an administrator plays it."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.errors import NotFoundError
from chassis.identity import Principal, WrongPrincipalError
from contracts.customer import CustomerUpdated
from customer_sync.models import Customer

VERIFIED = "2"


class Verification(BaseModel):
    """What was verified (customer_type: 0 personal, 1 enterprise)."""

    model_config = ConfigDict(extra="forbid", strict=True)

    customer_name: str = Field(min_length=1, max_length=128)
    customer_type: Literal[0, 1]


async def verify_customer(
    session: AsyncSession,
    principal: Principal,
    customer_id: str,
    verification: Verification,
    now: datetime,
) -> Customer:
    """Record name and type as verified and state `customer.updated`.

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
    customer.customer_name = verification.customer_name
    customer.customer_type = verification.customer_type
    customer.verified_status = VERIFIED
    outbox.publish(session, customer.fact(CustomerUpdated, now))
    audit.record(session, principal, "customer.verify", customer.id, now)
    return customer
