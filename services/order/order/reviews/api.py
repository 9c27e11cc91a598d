"""The door to what an administrator decides of orders that wait."""

from fastapi import Response

from chassis.clock import Now
from chassis.database import HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.routes import Router
from order.orders.native_answers import OrderAnswer, native_order
from order.parts import CurrentParts
from order.reviews.review_order import ReviewOrder, review_order

router = Router()


@router.post("/api/orders/{order_id}/review", response_model=OrderAnswer)
async def review(
    order_id: str,
    decision: ReviewOrder,
    principal: CurrentPrincipal,
    session: HttpSession,
    parts: CurrentParts,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """The vendor's decision on an order that waits for it, or the approval of its refund."""
    order = await review_order(session, principal, order_id, decision, now, parts.approvals)
    return await idempotency.answer(native_order(order))
