"""Order's HTTP door: the vendor's operations, and the native API for what it has none of."""

from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.errors import RefusedError
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal, Principal, WrongPrincipalError
from chassis.routes import Router
from order.orders import shown as answers
from order.orders.cancel_order import Cancellation, cancel_order
from order.orders.list_older_orders import OlderQuery, list_older_orders, read_older_query
from order.orders.list_orders import OrderQuery, list_orders
from order.orders.place_order import OrdersWanted, OrderWanted, place_order, place_orders
from order.orders.review_order import Review, review_order
from order.orders.show_order import DetailQuery, show_native_order, show_order
from order.payments.pay_order import Payment, pay_order
from order.peers import Peers
from order.resources.list_resources import ResourceQuery, list_resources

router = Router()


class ConnectedError(RefusedError):
    """In connected mode the upstream is the authority; this command is not forwarded."""

    code = "CHB.0002"


async def _standalone(request: Request) -> None:
    if request.app.state.settings.connected:
        raise ConnectedError


Standalone = Depends(_standalone)


async def _peers(request: Request) -> Peers:
    state = request.app.state
    return Peers(state.sideways, state.settings.billing_url, state.settings.voucher_url)


CurrentPeers = Annotated[Peers, Depends(_peers)]


async def _customer(principal: CurrentPrincipal) -> Principal:
    if not principal.is_customer:
        raise WrongPrincipalError
    return principal


async def _partner_or_customer(principal: CurrentPrincipal) -> Principal:
    if not (principal.is_customer or principal.is_partner):
        raise WrongPrincipalError
    return principal


async def _partner_or_administrator(principal: CurrentPrincipal) -> Principal:
    if not (principal.is_partner or principal.is_administrator):
        raise WrongPrincipalError
    return principal


async def _older_query(request: Request) -> OlderQuery:
    try:
        return read_older_query(request.query_params)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from error


CustomerPrincipal = Annotated[Principal, Depends(_customer)]
WirePrincipal = Annotated[Principal, Depends(_partner_or_customer)]
NativePrincipal = Annotated[Principal, Depends(_partner_or_administrator)]


@router.get("/v2/orders/customer-orders")
async def list_customer_orders(
    query: Annotated[OrderQuery, Query()], principal: WirePrincipal, session: HttpSession
) -> Response:
    """Orders of the caller, of its resale customers, or of its reseller's."""
    page = await list_orders(session, principal, query)
    shown = [answers.order_info(row, page.lines.get(row.order_id, [])) for row in page.orders]
    return JsonAnswer({"total_count": page.total_count, "order_infos": shown})


@router.get("/v1.0/{domain_id}/common/order-mgr/orders/detail")
async def list_customer_orders_old(
    domain_id: str,
    query: Annotated[OlderQuery, Depends(_older_query)],
    principal: WirePrincipal,
    session: HttpSession,
) -> Response:
    """The older list."""
    page = await list_older_orders(session, principal, domain_id, query)
    data: dict[str, Any] = {
        "pageIndex": query.page_index,
        "pageSize": query.wanted.limit,
        "totalSize": page.total_count,
        "orderInfos": [answers.older_order_info(row) for row in page.orders],
    }
    return JsonAnswer({"error_code": "CBC.0000", "error_msg": "success", "data": data})


@router.get("/v2/orders/customer-orders/details/{order_id}")
async def show_customer_order_details(
    order_id: str,
    query: Annotated[DetailQuery, Query()],
    principal: WirePrincipal,
    session: HttpSession,
) -> Response:
    """One order with a page of its lines."""
    detail = await show_order(session, principal, order_id, query)
    order = detail.order
    return JsonAnswer(
        {
            "total_count": detail.total_count,
            "order_info": answers.order_detail(order, order.lines),
            "order_line_items": [answers.line_item(i, order.currency) for i in detail.items],
        }
    )


@router.post("/v3/orders/customer-orders/pay", dependencies=[Standalone])
async def pay_orders(
    payment: Payment, request: Request, principal: CustomerPrincipal, peers: CurrentPeers, now: Now
) -> Response:
    """Two transactions, hence no session of the door's."""
    due = await pay_order(request.app.state.database, peers, principal, payment, now)
    request.app.state.provisioning.expect(due)
    return Response(status_code=204)


@router.put("/v2/orders/customer-orders/cancel", dependencies=[Standalone])
async def cancel_customer_order(
    cancellation: Cancellation, principal: CustomerPrincipal, session: HttpSession, now: Now
) -> Response:
    """Cancel an order that waits for payment."""
    await cancel_order(session, principal, cancellation.order_id, now)
    return Response(status_code=204)


@router.post("/v2/orders/suscriptions/resources/query")
async def list_pay_per_use_customer_resources(
    query: ResourceQuery, principal: WirePrincipal, session: HttpSession
) -> Response:
    """Period resources; the path is misspelt by the vendor."""
    page = await list_resources(session, principal, query)
    shown = [answers.resource_info(row) for row in page.resources]
    return JsonAnswer({"data": shown, "total_count": page.total_count})


@router.post("/api/orders", dependencies=[Standalone])
async def place(
    wanted: OrderWanted,
    principal: CurrentPrincipal,
    session: HttpSession,
    peers: CurrentPeers,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """Place an order on behalf of a resale customer."""
    order = await place_order(session, peers, principal, wanted, now)
    location = {"Location": f"/api/orders/{order.order_id}", "ETag": f'"{order.version}"'}
    return await idempotency.answer(201, answers.native_order(order), location)


@router.post("/api/orders/batch", dependencies=[Standalone])
async def place_batch(
    wanted: OrdersWanted,
    principal: CurrentPrincipal,
    session: HttpSession,
    peers: CurrentPeers,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """Place several orders of one customer on its behalf."""
    orders = await place_orders(session, peers, principal, wanted.customer_id, wanted.orders, now)
    return await idempotency.answer(201, {"orders": [answers.native_order(one) for one in orders]})


@router.get("/api/orders/{order_id}")
async def show(order_id: str, principal: NativePrincipal, session: HttpSession) -> Response:
    """One order, whole."""
    order = await show_native_order(session, principal, order_id)
    answer = JsonAnswer(answers.native_order(order))
    answer.headers["ETag"] = f'"{order.version}"'
    return answer


@router.post("/api/orders/{order_id}/review", dependencies=[Standalone])
async def review(
    order_id: str,
    decision: Review,
    principal: CurrentPrincipal,
    session: HttpSession,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """The vendor's decision on an order that waits for it."""
    order = await review_order(session, principal, order_id, decision, now)
    return await idempotency.answer(200, answers.native_order(order))
