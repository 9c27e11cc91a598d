"""The door to orders: the vendor's operations, and the native API to place and show."""

from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.etags import etag, tagged
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.routes import Router
from order.orders import shown as answers
from order.orders.cancel_order import CancelOrder, cancel_order
from order.orders.list_older_orders import ListOlderOrders, list_older_orders, read_older_query
from order.orders.list_orders import ListOrders, list_orders
from order.orders.native_answers import OrderAnswer, OrdersAnswer, native_order
from order.orders.place_order import PlaceOrders, place_orders
from order.orders.show_order import ShowOrder, show_native_order, show_order
from order.parts import CurrentParts

router = Router()


async def _older_query(request: Request) -> ListOlderOrders:
    try:
        return read_older_query(request.query_params)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from error


@router.get("/v2/orders/customer-orders")
async def orders(
    query: Annotated[ListOrders, Query()], principal: CurrentPrincipal, session: HttpSession
) -> Response:
    """list_customer_orders: the caller's, of its resale customers, or of its reseller's."""
    page = await list_orders(session, principal, query)
    shown = [answers.order_info(row, page.lines.get(row.order_id, [])) for row in page.orders]
    return JsonAnswer({"total_count": page.total_count, "order_infos": shown})


@router.get("/v1.0/{domain_id}/common/order-mgr/orders/detail")
async def older_orders(
    domain_id: str,
    query: Annotated[ListOlderOrders, Depends(_older_query)],
    principal: CurrentPrincipal,
    session: HttpSession,
) -> Response:
    """list_customer_orders_old."""
    page = await list_older_orders(session, principal, domain_id, query)
    data: dict[str, Any] = {
        "pageIndex": query.page_index,
        "pageSize": query.wanted.limit,
        "totalSize": page.total_count,
        "orderInfos": [answers.older_order_info(row) for row in page.orders],
    }
    return JsonAnswer({"error_code": "CBC.0000", "error_msg": "success", "data": data})


@router.get("/v2/orders/customer-orders/details/{order_id}")
async def details(
    order_id: str,
    query: Annotated[ShowOrder, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
) -> Response:
    """show_customer_order_details, with a page of its lines."""
    detail = await show_order(session, principal, order_id, query)
    order = detail.order
    return JsonAnswer(
        {
            "total_count": detail.total_count,
            "order_info": answers.order_detail(order, order.lines, detail.member_order_id),
            "order_line_items": [answers.line_item(i, order.currency) for i in detail.items],
        }
    )


@router.put("/v2/orders/customer-orders/cancel")
async def cancel(
    cancellation: CancelOrder,
    principal: CurrentPrincipal,
    session: HttpSession,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """cancel_customer_order; it waits for payment."""
    await cancel_order(session, principal, cancellation.order_id, now)
    return await idempotency.answer(None)


@router.post("/api/orders/batch", response_model=OrdersAnswer)
async def place_batch(
    wanted: PlaceOrders,
    principal: CurrentPrincipal,
    session: HttpSession,
    parts: CurrentParts,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """Place several orders of one customer on its behalf."""
    orders = await place_orders(
        session, parts.peers, principal, wanted.customer_id, wanted.orders, now, parts.approvals
    )
    return await idempotency.answer(OrdersAnswer(orders=[native_order(one) for one in orders]))


@router.get("/api/orders/{order_id}", response_model=OrderAnswer)
async def show(
    request: Request, order_id: str, principal: CurrentPrincipal, session: HttpSession
) -> Response:
    """One order, whole."""
    order = await show_native_order(session, principal, order_id)
    return tagged(request, native_order(order), etag(order.version))
