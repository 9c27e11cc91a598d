"""The door to what a partner orders for its customers, by the type of the order."""

from fastapi import Request, Response

from chassis.clock import Now
from chassis.database import HttpSession
from chassis.etags import etag
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.language import spoken_language
from chassis.routes import Router
from order.orders.native_answers import OrderAnswer, native_order
from order.orders.place_order import PlaceOrder
from order.orders.quote_answers import QuoteAnswer
from order.orders.quote_order import quote_order
from order.parts import CurrentParts
from order.placing.orders_wanted import OrderWanted
from order.placing.place_wanted import place_wanted
from order.placing.quote_for_customer import quote_for_customer

router = Router()


@router.post("/api/orders", response_model=OrderAnswer)
async def place(
    wanted: OrderWanted,
    principal: CurrentPrincipal,
    session: HttpSession,
    parts: CurrentParts,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """Place an order on behalf of a resale customer: new products, or about its resources.

    About resources: renewals (2), changes (3), and periods for what is used on demand (11).
    """
    order = await place_wanted(session, parts.peers, principal, wanted, now, parts.approvals)
    location = {"Location": f"/api/orders/{order.order_id}", "ETag": etag(order.version)}
    return await idempotency.answer(native_order(order), location)


@router.post("/api/orders/quotes", response_model=QuoteAnswer)
async def quote(
    request: Request,
    wanted: OrderWanted,
    principal: CurrentPrincipal,
    session: HttpSession,
    parts: CurrentParts,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """What an order would cost, and everything that would refuse it; nothing is written."""
    language = spoken_language(request.scope["headers"], is_ours=True)
    if isinstance(wanted, PlaceOrder):
        found = await quote_order(session, parts.peers, principal, wanted, now, language)
    else:
        found = await quote_for_customer(session, parts.peers, principal, wanted, now, language)
    return await idempotency.answer(found)
