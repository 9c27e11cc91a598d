"""Requests to pay orders, newest first: a customer's own, or those that a partner was sent."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import Field
from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.cursors import cursor_after, keys_after
from chassis.identity import Principal
from order.orders.models import PENDING, Order
from order.requests.find_request import seen_requests
from order.requests.models import LAPSED, REQUESTED, PaymentRequest
from wire.types import NativeQuery

PAGE_MAX = 100
REQUESTS = "payment-requests"


class ListRequests(NativeQuery):
    """Filters and the page; `after` is the `next` of the page before."""

    customer_id: str | None = None
    order_id: str | None = None
    status: Literal["requested", "paid", "rejected", "withdrawn", "lapsed"] | None = None
    after: str | None = None
    limit: int = Field(default=20, ge=1, le=PAGE_MAX)


@dataclass(frozen=True, slots=True)
class ShownRequest:
    """A request as it stands with its order: one that nobody ended may have lapsed with it."""

    request: PaymentRequest
    status: str
    ended_at: datetime | None


async def list_requests(
    session: AsyncSession, principal: Principal, wanted: ListRequests
) -> tuple[list[ShownRequest], str | None]:
    """One page, and what to ask the next one after (None: there is none)."""
    found = (
        select(PaymentRequest, Order.status, Order.paid_at, Order.ended_at)
        .join(Order, Order.order_id == PaymentRequest.order_id)
        .where(seen_requests(principal))
        .order_by(PaymentRequest.request_id.desc())
        .limit(wanted.limit + 1)
    )
    if wanted.customer_id:
        found = found.where(PaymentRequest.customer_id == wanted.customer_id)
    if wanted.order_id:
        found = found.where(PaymentRequest.order_id == wanted.order_id.upper())
    if wanted.status == REQUESTED:
        found = found.where(and_(PaymentRequest.status == REQUESTED, Order.status == PENDING))
    elif wanted.status == LAPSED:
        found = found.where(and_(PaymentRequest.status == REQUESTED, Order.status != PENDING))
    elif wanted.status:
        found = found.where(PaymentRequest.status == wanted.status)
    if wanted.after:
        found = found.where(PaymentRequest.request_id < keys_after(REQUESTS, wanted.after)[0])
    rows = (await session.execute(found)).all()
    page = [_shown(*row) for row in rows[: wanted.limit]]
    more = len(rows) > wanted.limit
    return page, cursor_after(REQUESTS, page[-1].request.request_id) if more else None


def _shown(
    request: PaymentRequest, order_status: int, paid_at: datetime | None, ended_at: datetime | None
) -> ShownRequest:
    if request.status == REQUESTED and order_status != PENDING:
        return ShownRequest(request, LAPSED, paid_at or ended_at)
    return ShownRequest(request, request.status, request.ended_at)
