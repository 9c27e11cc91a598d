"""Decide what holds an order: its review or confirmation, or the approval of its refund."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.identity import Principal
from contracts.order import OrderCancelled, OrderReviewed
from order.approvals import Approvals
from order.conversions.convert_now import convert_reviewed
from order.orders.facts import order_fact
from order.orders.find_order import OrderNotFoundError, hold_owner
from order.orders.models import (
    GIVING_BACK,
    REFUND,
    UNSUBSCRIPTION,
    Order,
    OrderNotUnderReviewError,
)
from order.refunds.end_periods import end_reviewed_periods
from order.refunds.make_refund import settle_refund, state_refund
from order.refunds.models import Refund
from wire.types import WireRequest


class ReviewOrder(WireRequest):
    """The vendor's decision, in standalone mode the administrator's."""

    decision: Literal["approve", "refuse"]


async def review_order(
    session: AsyncSession,
    principal: Principal,
    order_id: str,
    review: ReviewOrder,
    now: datetime,
    approvals: Approvals,
) -> Order:
    """Approve: pending payment for seven days; or carried out; or refunded. Refuse: cancelled.

    Raises:
        OrderNotFoundError
        OrderNotUnderReviewError: nothing is decided of it, or its refund, which is owed for what
        was released, is refused.
        PackageInUseError: what was to be given back has been used meanwhile.

    """
    await hold_owner(session, order_id)
    order = await session.get(
        Order, order_id.upper(), with_for_update={"of": Order}, populate_existing=True
    )
    if order is None:
        raise OrderNotFoundError
    is_approved = review.decision == "approve"
    if order.status == REFUND:
        await _approve_refund(session, order, now, is_approved=is_approved)
    else:
        order.review(approved=is_approved, now=now)
        outbox.publish(session, order_fact(OrderReviewed, order, now))
        if order.order_type in GIVING_BACK:
            await _decide_giving_back(session, order, now, approvals, is_approved=is_approved)
        if not is_approved:
            order.version += 1  # a second fact
            outbox.publish(session, order_fact(OrderCancelled, order, now))
    audit.record(session, principal, "order.review", order.order_id, now, decision=review.decision)
    return order


async def _approve_refund(
    session: AsyncSession, order: Order, now: datetime, *, is_approved: bool
) -> None:
    if not is_approved:
        raise OrderNotUnderReviewError("what was released is refunded")
    state_refund(session, order, await _refunds(session, order), now)


async def _decide_giving_back(
    session: AsyncSession, order: Order, now: datetime, approvals: Approvals, *, is_approved: bool
) -> None:
    """Carry it out with the amounts as of when it was asked for, or forget them."""
    if not is_approved:
        await session.execute(delete(Refund).where(Refund.order_id == order.order_id))
        return
    refunds = await _refunds(session, order)
    if order.order_type == UNSUBSCRIPTION:
        await end_reviewed_periods(session, order, refunds, now)
    else:
        await convert_reviewed(session, order, refunds, now)
    settle_refund(session, order, refunds, now, approvals)


async def _refunds(session: AsyncSession, order: Order) -> Sequence[Refund]:
    found = await session.scalars(
        select(Refund).where(Refund.order_id == order.order_id).order_by(Refund.number)
    )
    return found.all()
