"""list_order_discounts: the discounts that an order pending payment may have."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.identity import Principal
from order.orders.discounts import (
    FIXED_PRICE,
    ZERO,
    LinePrice,
    OfferedDiscount,
    offered_discounts,
    prices_with,
)
from order.orders.find_order import order_to_pay
from order.orders.models import PENDING, Order, OrderNotPayableError
from wire.types import WireQuery

_Alike = tuple[str, Decimal | None, Decimal]


class ListOrderDiscounts(WireQuery, operation="list_order_discounts"):
    """The query."""

    order_id: str


async def list_order_discounts(
    session: AsyncSession, principal: Principal, query: ListOrderDiscounts, now: datetime
) -> dict[str, Any]:
    """Those offered that have not ended; where the price was adjusted, that adjustment alone.

    Raises:
        MemberOrderError: a member of a combined order that the caller could pay.
        OrderInvalidError: not an order of the caller, nor one that it was asked to pay.
        OrderNotPayableError: it does not wait for payment.

    """
    order = await order_to_pay(session, principal, query.order_id, lock=False)
    if order.status != PENDING:
        raise OrderNotPayableError(f"status {order.status}")
    return {"discounts": [_shown(order, x) for x in await offered_discounts(session, order, now)]}


def _shown(order: Order, discount: OfferedDiscount) -> dict[str, Any]:
    """DiscountInfoV3; of a combined order with a part for each member."""
    by_order: defaultdict[str, list[LinePrice]] = defaultdict(list)
    for price in prices_with(order, discount):
        if price.discount_type is not None:
            by_order[price.line.member_order_id or order.order_id].append(price)
    is_fixed = discount.discount_mode == FIXED_PRICE
    return {
        "discount_id": discount.discount_id,
        "discount_value": "" if is_fixed else discount.discount_value,
        "discount_type": discount.discount_type,
        "orders": [
            {"order_id": order_id, "order_line_items": _items(prices, discount.discount_mode)}
            for order_id, prices in by_order.items()
        ],
    }


def _items(prices: Sequence[LinePrice], mode: int) -> list[dict[str, Any]]:
    """Lines of one product, size and final price are one item (docs/domain/orders.md H.1)."""
    alike: defaultdict[_Alike, list[LinePrice]] = defaultdict(list)
    for price in prices:
        line = price.line
        alike[line.product_id, line.measure_size, price.amount_after_discount].append(price)
    return [
        {
            "order_line_item_ids": [price.line.line_id for price in same],
            "discount_mode": mode,
            "discount_amount": sum((price.granted_discount_amount for price in same), ZERO),
            "discount_ratio": same[0].discount_ratio,
        }
        for same in alike.values()
    ]
