"""The order lists of the wire: list_customer_orders and its older sibling.

See docs/domain/orders.md F5, B.5.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import BadFieldError, UnknownValueError
from chassis.identity import Principal
from chassis.tenancy import acted_for
from order.copies import Partner
from order.orders.find_order import proxied, visible, visible_as_agent
from order.orders.models import Order, OrderLine
from wire.operations import operation
from wire.times import add_months, next_second
from wire.types import Instant, WireQuery
from wire.vocabulary import OrderStatus

STATUSES = frozenset(OrderStatus) - {OrderStatus.REFUND}
WINDOW_MONTHS_MAX = 12
PROXY_PAID = "sub_customer"


class ListOrders(WireQuery, operation="list_customer_orders"):
    """The query of list_customer_orders; what is not given or empty filters nothing."""

    order_id: str | None = None
    customer_id: str | None = None
    create_time_begin: Instant | None = None
    create_time_end: Instant | None = None
    payment_time_begin: Instant | None = None
    payment_time_end: Instant | None = None
    service_type_code: str | None = None
    status: int | None = None
    order_type: str | None = None
    order_by: str | None = None
    indirect_partner_id: str | None = None
    method: str = "oneself"
    limit: int = 10
    offset: int = 0


@dataclass(frozen=True, slots=True)
class OrderPage:
    """Rows of a page, the lines of its combined orders, and how many orders match in all."""

    total_count: int
    orders: list[Row[Any]]
    lines: dict[str, list[Row[Any]]]


async def list_orders(session: AsyncSession, principal: Principal, query: ListOrders) -> OrderPage:
    """The page asked for, newest first unless asked otherwise; ties by id."""
    _check(query, principal.site)
    acted = await acted_for(session, principal, query.indirect_partner_id, Partner)
    counted = select(func.count()).where(_whose(principal, query, acted), *_filters(query))
    total = await session.scalar(counted.select_from(Order))
    ascending = (query.order_by or "").lower() == "createtime"
    keys = (Order.created_at, Order.order_id)
    page = (
        select(*Order.__table__.c)
        .where(_whose(principal, query, acted, row_by_row=True), *_filters(query, row_by_row=True))
        .order_by(*(keys if ascending else (key.desc() for key in keys)))
        .limit(query.limit)
        .offset(query.offset)
    )
    orders = list(await session.execute(page)) if total else []
    combined = [row.order_id for row in orders if row.is_combined]
    return OrderPage(total or 0, orders, await lines_of(session, combined))


async def lines_of(session: AsyncSession, order_ids: list[str]) -> dict[str, list[Row[Any]]]:
    """The lines of each order, in their order."""
    found: dict[str, list[Row[Any]]] = {order_id: [] for order_id in order_ids}
    if order_ids:
        table = OrderLine.__table__
        chosen: Select[Any] = select(*table.c).where(table.c.order_id.in_(order_ids))
        for row in await session.execute(chosen.order_by(table.c.order_id, table.c.position)):
            found[row.order_id].append(row)
    return found


@cache
def _order_types(site: str) -> tuple[str, ...]:
    """Those that the site's table names."""
    fields = {field.name: field for field in operation("list_customer_orders", site).query}
    return fields["order_type"].choices


def _check(query: ListOrders, site: str) -> None:
    if query.status is not None and query.status not in STATUSES:
        raise UnknownValueError("status")
    if query.order_type is not None and query.order_type not in _order_types(site):
        raise UnknownValueError("order_type")
    if query.order_by is not None and query.order_by.lower() not in ("createtime", "-createtime"):
        raise UnknownValueError("order_by")
    _check_window("create_time_end", query.create_time_begin, query.create_time_end)
    _check_window("payment_time_end", query.payment_time_begin, query.payment_time_end)


def _check_window(field: str, begin: datetime | None, end: datetime | None) -> None:
    if begin is None or end is None:
        return
    if end < begin:
        raise BadFieldError(field, "before the begin")
    if end > add_months(begin, WINDOW_MONTHS_MAX):
        raise BadFieldError(field, "more than a year after the begin")


def _whose(
    principal: Principal, query: ListOrders, acted: str | None, *, row_by_row: bool = False
) -> ColumnElement[bool]:
    """The caller's own; by `sub_customer` those that it, or for a partner any master, pays."""
    if query.method != PROXY_PAID:
        return visible(principal, Order, acted, row_by_row=row_by_row)
    if principal.is_customer:
        return visible_as_agent(principal)
    return and_(visible(principal, Order, acted), proxied())


def _filters(query: ListOrders, *, row_by_row: bool = False) -> list[ColumnElement[bool]]:
    chosen: list[ColumnElement[bool]] = []
    if query.order_id is not None:
        chosen.append(Order.order_id == query.order_id.upper())
    if query.customer_id is not None:
        chosen.append(Order.customer_id == query.customer_id)
    if query.status is not None:
        chosen.append(Order.status == query.status)
    if query.order_type is not None:
        chosen.append(Order.order_type == int(query.order_type))
    if query.service_type_code is not None:
        wanted = query.service_type_code.lower()
        line = select(OrderLine.line_id).where(
            OrderLine.order_id == Order.order_id, func.lower(OrderLine.service_type_code) == wanted
        )
        chosen.append((line.offset(0) if row_by_row else line).correlate(Order).exists())
    chosen += _within(Order.created_at, query.create_time_begin, query.create_time_end)
    chosen += _within(Order.paid_at, query.payment_time_begin, query.payment_time_end)
    return chosen


def _within(column: Any, begin: datetime | None, end: datetime | None) -> list[ColumnElement[bool]]:
    """Both ends belong to the window; the wire cuts instants to the second."""
    bounds: list[ColumnElement[bool]] = []
    if begin is not None:
        bounds.append(column >= begin)
    if end is not None:
        bounds.append(column < next_second(end))
    return bounds
