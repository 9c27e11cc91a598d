"""The door to unsubscriptions and their refunds."""

from typing import Annotated

from fastapi import Query, Response

from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.routes import Router
from order.parts import CurrentParts
from order.refunds.quote_refund import QuoteRefund, RefundQuoteAnswer, quote_refund
from order.refunds.show_refund import ShowRefund, show_refund
from order.refunds.unsubscribe_resources import UnsubscribeResources, unsubscribe_resources

router = Router()


@router.post("/v2/orders/subscriptions/resources/unsubscribe")
async def unsubscribe(
    wanted: UnsubscribeResources,
    principal: CurrentPrincipal,
    session: HttpSession,
    parts: CurrentParts,
    now: Now,
) -> Response:
    """cancel_resources_subscription: give resources back, or their renewed periods."""
    order = await unsubscribe_resources(session, principal, wanted, now, parts.approvals)
    return JsonAnswer({"order_ids": [order.order_id], "fail_resource_infos": []})


@router.get("/v2/orders/customer-orders/refund-orders")
async def refund_rows(
    query: Annotated[ShowRefund, Query()], principal: CurrentPrincipal, session: HttpSession
) -> Response:
    """show_refund_order_details: which resources and orders a refund comes from."""
    rows = await show_refund(session, principal, query)
    return JsonAnswer({"total_count": len(rows), "refund_infos": rows})


@router.post("/api/resources/refund-quotes", response_model=RefundQuoteAnswer)
async def quote(
    wanted: QuoteRefund,
    principal: CurrentPrincipal,
    session: HttpSession,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """What an unsubscription would give back now, period by period; nothing is changed."""
    return await idempotency.answer(await quote_refund(session, principal, wanted, now))
