"""One order: for the wire with a page of its lines, for the native API whole."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.identity import Principal
from chassis.tenancy import acted_for
from order.copies import Partner
from order.orders.find_order import (
    OrderInvalidError,
    OrderNotFoundError,
    visible,
    visible_as_agent,
    visible_with_resellers,
)
from order.orders.models import Order, OrderLine
from wire.types import WireQuery


class ShowOrder(WireQuery, operation="show_customer_order_details"):
    """The query of show_customer_order_details."""

    limit: int = 10
    offset: int = 0
    indirect_partner_id: str | None = None


@dataclass(frozen=True, slots=True)
class OrderDetail:
    """An order, or a member of a combined one, with a page of its lines and how many it has."""

    order: Order
    member_order_id: str | None  # whose part it is; None: all of the order
    items: list[OrderLine]
    total_count: int


async def show_order(
    session: AsyncSession, principal: Principal, order_id: str, query: ShowOrder
) -> OrderDetail:
    """The order, its own or one that it pays; of a part of a combined order, that part.

    Raises:
        OrderInvalidError: the caller sees none.

    """
    acted = await acted_for(session, principal, query.indirect_partner_id, Partner)
    seen = or_(visible(principal, Order, acted), visible_as_agent(principal))
    order = await _find(session, order_id, seen)
    member_order_id = None
    if order is None:
        member_order_id = order_id.upper()
        order = await _find_combined(session, member_order_id, seen)
    if order is None:
        raise OrderInvalidError
    lines = [
        line
        for line in order.lines
        if member_order_id is None or line.member_order_id == member_order_id
    ]
    page = lines[query.offset : query.offset + query.limit]
    return OrderDetail(order, member_order_id, page, len(lines))


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


async def _find_combined(
    session: AsyncSession, member_order_id: str, condition: ColumnElement[bool]
) -> Order | None:
    named = select(OrderLine.order_id).where(OrderLine.member_order_id == member_order_id)
    wanted = select(Order).where(Order.order_id.in_(named), condition)
    found: Order | None = await session.scalar(wanted)
    return found
