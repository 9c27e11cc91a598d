"""What an order is offered, and its price with each (docs/domain/orders.md H.1, decision 0075)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from order.models import Tables
from order.orders.models import Order, OrderLine

PROMOTION, CONTRACT, COMMERCIAL, GRANTED_BY_PARTNER, ADJUSTMENT = 0, 1, 2, 3, 609
FIXED_PRICE = 1  # discount mode
ZERO = Decimal("0.00")


class OfferedDiscount(Tables):
    """A discount as it was offered when the order was priced; what it takes off never changes."""

    __tablename__ = "order_discounts"

    order_id: Mapped[str] = mapped_column(ForeignKey("orders.order_id"), primary_key=True)
    discount_id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    discount_type: Mapped[int]
    discount_mode: Mapped[int]
    discount_value: Mapped[str]
    name: Mapped[str]
    ends_at: Mapped[datetime | None]
    lines: Mapped[list[Any]]  # line_id, discount_amount, discount_ratio of each line it covers

    @property
    def promotion_ends_at(self) -> datetime | None:
        """Of a promotion: the price ends with it. The other kinds keep theirs."""
        return self.ends_at if self.discount_type == PROMOTION else None

    def has_ended(self, now: datetime) -> bool:
        """Whether it can be chosen no more."""
        return self.promotion_ends_at is not None and now >= self.promotion_ends_at


@dataclass(frozen=True, slots=True)
class LinePrice:
    """What a line costs with a discount; without type and ratio the discount does not cover it."""

    line: OrderLine
    granted_discount_amount: Decimal
    discount_type: int | None
    discount_ratio: Decimal | None

    @property
    def base(self) -> Decimal:
        """The official amount less the catalogue's own reduction."""
        return self.line.amount_after_discount + self.line.granted_discount_amount

    @property
    def amount_after_discount(self) -> Decimal:
        """What is payable."""
        return self.base - self.granted_discount_amount


def carried_prices(order: Order) -> list[LinePrice]:
    """The lines as the order has them."""
    return [
        LinePrice(line, line.granted_discount_amount, line.discount_type, line.discount_ratio)
        for line in order.lines
    ]


def prices_with(order: Order, discount: OfferedDiscount) -> list[LinePrice]:
    """The lines with this discount in place of the one that the order carries."""
    covered = {one["line_id"]: one for one in discount.lines}
    return [_price(line, discount.discount_type, covered.get(line.line_id)) for line in order.lines]


def _price(line: OrderLine, discount_type: int, off: dict[str, str] | None) -> LinePrice:
    if off is None:
        return LinePrice(line, ZERO, None, None)
    ratio = Decimal(off["discount_ratio"])
    return LinePrice(line, Decimal(off["discount_amount"]), discount_type, ratio)


def payable(prices: Sequence[LinePrice]) -> Decimal:
    """Of all lines."""
    return sum((price.amount_after_discount for price in prices), ZERO)


def carry_discount(order: Order, discount: OfferedDiscount) -> None:
    """Price the order with this discount from now on."""
    for price in prices_with(order, discount):
        line, reduction = price.line, price.granted_discount_amount
        line.discount_amount += reduction - line.granted_discount_amount
        line.granted_discount_amount = reduction
        line.amount_after_discount = line.official_amount - line.discount_amount
        line.discount_type, line.discount_ratio = price.discount_type, price.discount_ratio
    order.carry(discount.discount_id, discount.discount_type, discount.promotion_ends_at)


_OFFERED = (  # made once: each payment by the system asks it
    select(OfferedDiscount)
    .where(OfferedDiscount.order_id == bindparam("order_id"))
    .order_by(OfferedDiscount.ends_at.nulls_last(), OfferedDiscount.discount_id)
)


async def offered_discounts(
    session: AsyncSession, order: Order, now: datetime
) -> list[OfferedDiscount]:
    """What the order may have, the earliest to end first; an adjusted price is the only one."""
    found = await session.scalars(_OFFERED, {"order_id": order.order_id})
    discounts = [one for one in found if not one.has_ended(now)]
    if order.discount_type == ADJUSTMENT:
        return [one for one in discounts if one.discount_id == order.discount_id]
    return discounts
