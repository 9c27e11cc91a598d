"""The vendor's side of a review: in standalone mode an administrator plays it."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.errors import NotFoundError
from chassis.identity import Principal
from contracts.customer import CustomerUpdated
from customer_sync.customers.facts import customer_fact
from customer_sync.customers.models import REJECTED, Customer
from customer_sync.realname.models import RealnameApplication


class DecideReview(BaseModel):
    """The decision; the opinion is what the partner reads of a refusal."""

    model_config = ConfigDict(extra="forbid", strict=True)

    decision: Literal["approve", "refuse"]
    opinion: str | None = Field(default=None, max_length=256)


async def decide_review(
    session: AsyncSession,
    principal: Principal,
    customer_id: str,
    review: DecideReview,
    now: datetime,
) -> Customer:
    """Verify, and state `customer.verified`, or refuse, and state `customer.updated`.

    A refused change leaves the person verified.

    Raises:
        NotFoundError: no such customer, or it never applied.
        StateConflictError: it is decided already.

    """
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
        outbox.publish(session, customer_fact(fact, customer, now))
    elif not application.is_change:
        customer.verified_status = REJECTED
        outbox.publish(session, customer_fact(CustomerUpdated, customer, now))
    audit.record(session, principal, "customer.review", customer.id, now, decision=review.decision)
    return customer
