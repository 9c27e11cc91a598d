"""The door to payments."""

from typing import Annotated

from fastapi import Query, Request, Response

from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.language import spoken_language
from chassis.routes import Router
from order.orders.find_order import order_to_pay
from order.orders.native_answers import OrderAnswer, native_order
from order.parts import CurrentParts
from order.payments.adjust_price import AdjustPrice, adjust_price
from order.payments.list_order_discounts import ListOrderDiscounts, list_order_discounts
from order.payments.list_payment_options import list_payment_options
from order.payments.option_answers import PaymentOptionsAnswer
from order.payments.pay_order import PayOrder, pay_order
from order.sandbox.rehearse_refusal import rehearse_refusal

router = Router()


@router.post("/v3/orders/customer-orders/pay")
async def pay(
    payment: PayOrder, principal: CurrentPrincipal, parts: CurrentParts, now: Now
) -> Response:
    """pay_orders, in two transactions, hence no session of the door's."""
    await rehearse_refusal(
        parts.database,
        lambda session: order_to_pay(session, principal, payment.order_id),
        now,
        sandbox=parts.settings.sandbox,
    )
    due = await pay_order(parts.database, parts.peers, principal, payment, now)
    parts.provisioning.expect(due)
    return Response(status_code=204)


@router.get("/v2/orders/customer-orders/order-discounts")
async def discounts(
    query: Annotated[ListOrderDiscounts, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
) -> Response:
    """list_order_discounts: what may be named when the order is paid, and contracts."""
    return JsonAnswer(await list_order_discounts(session, principal, query, now))


@router.post("/api/orders/{order_id}/price-adjustment", response_model=OrderAnswer)
async def adjust(
    order_id: str,
    wanted: AdjustPrice,
    principal: CurrentPrincipal,
    session: HttpSession,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """Have a pending order cost so much in all, in place of any discount."""
    order = await adjust_price(session, principal, order_id, wanted, now)
    return await idempotency.answer(native_order(order))


@router.get("/api/orders/{order_id}/payment-options", response_model=PaymentOptionsAnswer)
async def options(
    request: Request,
    order_id: str,
    principal: CurrentPrincipal,
    session: HttpSession,
    parts: CurrentParts,
    now: Now,
) -> Response:
    """How a pending order may be paid now: each discount with the coupons that go with it."""
    language = spoken_language(request.scope["headers"], is_ours=True)
    found = await list_payment_options(session, parts.peers, principal, order_id, now, language)
    return JsonAnswer(found)
