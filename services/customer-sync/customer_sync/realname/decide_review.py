"""The vendor's side of a review: in standalone mode an administrator plays it."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.errors import NotFoundError
from chassis.identity import Principal, WrongPrincipalError
from contracts.customer import CustomerUpdated
from customer_sync.customers.models import REJECTED, Customer
from customer_sync.realname.models import RealnameApplication


class Review(BaseModel):
    """The decision; the opinion is what the partner reads of a refusal."""

    model_config = ConfigDict(extra="forbid", strict=True)

    decision: Literal["approve", "refuse"]
    opinion: str | None = Field(default=None, max_length=256)


async def decide_review(
    session: AsyncSession, principal: Principal, customer_id: str, review: Review, now: datetime
) -> Customer:
    """Verify, and state `customer.verified`, or refuse, and state `customer.updated`.

    A refused change leaves the person verified.

    Raises:
        WrongPrincipalError: not an administrator.
        NotFoundError: no such customer, or it never applied.
        StateConflictError: it is decided already.

    """
    if not principal.is_administrator:
        raise WrongPrincipalError
    customer = await session.scalar(
        select(Customer).where(Customer.id == customer_id).with_for_update()
    )
    application = await session.get(RealnameApplication, customer_id)
    if customer is None or application is None:
        raise NotFoundError
    approved = review.decision == "approve"
    application.decide(approved=approved, opinion=review.opinion, now=now)
    if approved:
        fact = customer.verify(application.name, application.customer_type)
        outbox.publish(session, customer.fact(fact, now))
    elif not application.is_change:
        customer.verified_status = REJECTED
        outbox.publish(session, customer.fact(CustomerUpdated, now))
    audit.record(session, principal, "customer.review", customer.id, now, decision=review.decision)
    return customer
