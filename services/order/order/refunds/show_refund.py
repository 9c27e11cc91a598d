"""Which resources and orders a refund comes from: show_refund_order_details.

See docs/domain/resources.md H.9.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import BadFieldError
from chassis.identity import Principal
from chassis.tenancy import acted_for
from order.copies import Partner
from order.orders.find_order import OrderInvalidError, visible, visible_as_agent
from order.orders.models import Order, OrderLine
from order.refunds.models import Refund
from wire.types import WireQuery

YUAN = "1"  # measure_id, a text here


class ShowRefund(WireQuery, operation="show_refund_order_details"):
    """The query; a partner must say whose order it is."""

    order_id: str
    customer_id: str | None = None
    indirect_partner_id: str | None = None


async def show_refund(
    session: AsyncSession, principal: Principal, query: ShowRefund
) -> list[dict[str, Any]]:
    """The rows of an order, or of a member of a combined one; none for an order of another type.

    Of each period that went back: what was paid and went back with it, negative; what was used up,
    and the fee. Together they are the order's amount, negative.

    Raises:
        OrderInvalidError: the caller sees no such order of that customer.

    """
    acted = await acted_for(session, principal, query.indirect_partner_id, Partner)
    if principal.is_partner and not query.customer_id:
        raise BadFieldError("customer_id", "a partner says whose order")
    seen = or_(visible(principal, Order, acted), visible_as_agent(principal))
    if principal.is_partner:
        seen &= Order.customer_id == query.customer_id
    lines = await _lines(session, query.order_id.upper(), seen)
    if not lines:
        raise OrderInvalidError
    by_id = {line.line_id: line for line in lines}
    refunds = await session.scalars(
        select(Refund).where(Refund.line_id.in_(by_id)).order_by(Refund.number)
    )
    return [row for refund in refunds for row in _rows(refund, by_id[refund.line_id])]


async def _lines(
    session: AsyncSession, order_id: str, seen: ColumnElement[bool]
) -> Sequence[OrderLine]:
    named = or_(OrderLine.order_id == order_id, OrderLine.member_order_id == order_id)
    found = await session.scalars(
        select(OrderLine).join(Order, Order.order_id == OrderLine.order_id).where(named, seen)
    )
    return found.all()


def _rows(refund: Refund, line: OrderLine) -> list[dict[str, Any]]:
    coupons = refund.coupon_amount  # not in what was actually paid, and yet it went back
    amounts = (
        -(refund.paid_amount + coupons), refund.consumed_amount, refund.commission_amount,
    )  # fmt: skip
    return [
        _row(refund, line, number, amount) for number, amount in enumerate(amounts, 1) if amount
    ]


def _row(refund: Refund, line: OrderLine, number: int, amount: Decimal) -> dict[str, Any]:
    return {
        "id": f"{refund.refund_id}-{number}",
        "amount": amount,
        "measure_id": YUAN,
        "customer_id": refund.customer_id,
        "resource_type_code": line.resource_type_code,
        "service_type_code": line.service_type_code,
        "resource_type_name": line.resource_type_name,
        "service_type_name": line.service_type_name,
        "region_code": line.region_code,
        "base_order_id": refund.base_order_id,
    }
