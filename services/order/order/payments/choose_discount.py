"""Which discount a payment uses (docs/domain/orders.md H.1)."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import BadFieldError, UnknownValueError
from order.orders.discounts import (
    ADJUSTMENT,
    COMMERCIAL,
    GRANTED_BY_PARTNER,
    PROMOTION,
    LinePrice,
    OfferedDiscount,
    carried_prices,
    prices_with,
)
from order.orders.models import Order
from order.orders.offers import DiscountError
from wire.types import Id, WireRequest

# docs/domain/wire-protocol.md D.4a.8: a contract can be named in no payment.
DISCOUNT_TYPES = (PROMOTION, COMMERCIAL, GRANTED_BY_PARTNER, ADJUSTMENT)


class DiscountWanted(WireRequest):
    """A discount to use."""

    id: Id
    type: int


def check_discounts(wanted: Sequence[DiscountWanted]) -> None:
    """Refuse what no payment can name: an unknown kind, or more than one discount."""
    for index, discount in enumerate(wanted):
        if discount.type not in DISCOUNT_TYPES:
            raise UnknownValueError(f"discount_infos[{index}].type")
    if len(wanted) > 1:
        raise BadFieldError("discount_infos", "one discount at most")


async def choose_discount(
    session: AsyncSession, order: Order, wanted: Sequence[DiscountWanted], now: datetime
) -> OfferedDiscount | None:
    """The discount that is used in place of what the order carries; None: the order as it is.

    Raises:
        DiscountError: not offered for this order, ended, or the price was adjusted.

    """
    if not wanted:
        return None
    (named,) = wanted
    discount = await session.get(OfferedDiscount, (order.order_id, named.id))
    if discount is None or discount.discount_type != named.type or discount.has_ended(now):
        raise DiscountError
    if discount.discount_id == order.discount_id:
        return None
    if order.discount_type == ADJUSTMENT:
        raise DiscountError
    return discount


def prices_to_pay(order: Order, discount: OfferedDiscount | None) -> list[LinePrice]:
    """The lines as this payment pays them; the order itself stays as it is until it is paid."""
    return carried_prices(order) if discount is None else prices_with(order, discount)
