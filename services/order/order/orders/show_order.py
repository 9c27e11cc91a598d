"""One order: for the wire with a page of its lines, for the native API whole."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.identity import Principal
from order.orders.find_order import (
    OrderInvalidError,
    OrderNotFoundError,
    check_reseller,
    visible,
    visible_as_agent,
    visible_with_resellers,
)
from order.orders.models import Order, OrderLine
from wire.types import WireQuery


class DetailQuery(WireQuery, operation="show_customer_order_details"):
    """The query of show_customer_order_details."""

    limit: int = 10
    offset: int = 0
    indirect_partner_id: str | None = None


@dataclass(frozen=True, slots=True)
class OrderDetail:
    """An order, the page of its lines that was asked for, and how many lines it has."""

    order: Order
    items: list[OrderLine]
    total_count: int


async def show_order(
    session: AsyncSession, principal: Principal, order_id: str, query: DetailQuery
) -> OrderDetail:
    """The order, its own or a member's that it pays; CBC.30000010 when the caller sees none."""
    reseller = await check_reseller(session, principal, query.indirect_partner_id)
    seen = or_(visible(principal, Order, reseller), visible_as_agent(principal))
    order = await _find(session, order_id, seen)
    if order is None:
        raise OrderInvalidError
    page = order.lines[query.offset : query.offset + query.limit]
    return OrderDetail(order, page, len(order.lines))


async def show_native_order(session: AsyncSession, principal: Principal, order_id: str) -> Order:
    """The order, a reseller's customer's included; 404 when the caller sees none."""
    order = await _find(session, order_id, visible_with_resellers(principal, Order))
    if order is None:
        raise OrderNotFoundError
    return order


async def _find(
    session: AsyncSession, order_id: str, condition: ColumnElement[bool]
) -> Order | None:
    wanted = select(Order).where(Order.order_id == order_id.upper(), condition)
    found: Order | None = await session.scalar(wanted)
    return found
