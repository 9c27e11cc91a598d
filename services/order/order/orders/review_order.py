"""End the review or confirmation that holds an order."""

from datetime import datetime
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.identity import Principal, WrongPrincipalError
from chassis.outbox import publish
from contracts.order import OrderCancelled, OrderReviewed
from order.orders.facts import order_fact
from order.orders.find_order import OrderNotFoundError
from order.orders.models import Order
from wire.types import WireRequest


class Review(WireRequest):
    """The vendor's decision, in standalone mode the administrator's."""

    decision: Literal["approve", "refuse"]


async def review_order(
    session: AsyncSession, principal: Principal, order_id: str, review: Review, now: datetime
) -> Order:
    """Approve: pending payment, seven days from now. Refuse: cancelled."""
    if not principal.is_administrator:
        raise WrongPrincipalError
    order = await session.get(Order, order_id.upper(), with_for_update={"of": Order})
    if order is None:
        raise OrderNotFoundError
    order.review(approved=review.decision == "approve", now=now)
    audit.record(session, principal, "order.review", order.order_id, now, decision=review.decision)
    publish(session, order_fact(OrderReviewed, order, now))
    if review.decision == "refuse":
        order.version += 1  # a second fact
        publish(session, order_fact(OrderCancelled, order, now))
    return order
