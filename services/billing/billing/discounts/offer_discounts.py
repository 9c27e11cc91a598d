"""Which discounts an order is offered when it is priced (decision 0075)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.copies import Customer
from billing.discounts.models import FIXED_PRICE, INQUIRY_TYPES, RATIO, UNIT_PRICE, Discount
from billing.discounts.reduce_lines import Reduction, reduce_line, reduce_lines

DISCOUNTS_MAX = 100  # looked at for one quote, the earliest to end first


@dataclass(frozen=True, slots=True)
class LinePriced:
    """A line of a quote: `base` is what it costs by the catalogue, in the order of that number.

    `units` are what a price of a unit is for: periods, times size, times pieces; `pieces` are what
    steps count. `may_be_partners`: its service lets partners lower the price in this month.
    """

    order: int
    service_type_code: str
    product_id: str
    region_code: str
    charging_mode: str  # the vendor's word
    base: Decimal
    units: Decimal = Decimal(1)
    pieces: Decimal = Decimal(1)
    may_be_partners: bool = True


@dataclass(frozen=True, slots=True)
class Offer:
    """What a discount takes off each line of an order that it covers, by the line's place."""

    order: int
    discount: Discount
    reductions: dict[int, Reduction]

    @property
    def amount(self) -> Decimal:
        """All that it takes off."""
        return sum((one.discount_amount for one in self.reductions.values()), Decimal("0.00"))


async def offer_discounts(
    session: AsyncSession,
    customer: Customer,
    lines: Sequence[LinePriced],
    order_type: int,
    now: datetime,
) -> list[Offer]:
    """Each discount in effect for each order whose price it lowers, with what it takes off lines.

    Lines are told by their place in the quote, from 0.
    """
    discounts = [
        one
        for one in await discounts_in_effect(session, [customer], now)
        if not one.order_types or order_type in one.order_types
    ]
    orders = sorted({line.order for line in lines})
    offers = [_offer(discount, order, lines) for order in orders for discount in discounts]
    return [offer for offer in offers if offer.amount]


async def discounts_in_effect(
    session: AsyncSession, customers: Sequence[Customer], now: datetime
) -> Sequence[Discount]:
    """Those of the customers and those of all resale customers of their partners."""
    partners = {one.partner_id for one in customers}
    found = await session.scalars(
        select(Discount)
        .where(
            Discount.customer_id.in_({one.customer_id for one in customers} | partners),
            Discount.partner_id.in_(partners),
            Discount.effective_at <= now,
            or_(Discount.expire_at.is_(None), Discount.expire_at > now),
            Discount.ended_at.is_(None),
        )
        .order_by(Discount.expire_at.nulls_last(), Discount.discount_id)
        .limit(DISCOUNTS_MAX * max(len(customers), 1))
    )
    return [one for one in found if any(_is_for(one, customer) for customer in customers)]


def _is_for(discount: Discount, customer: Customer) -> bool:
    """Its own, or its partner's while it is a resale customer of it."""
    if discount.partner_id != customer.partner_id:
        return False
    everybodys = discount.customer_id == customer.partner_id and customer.is_resale
    return discount.customer_id == customer.customer_id or everybodys


def _offer(discount: Discount, order: int, lines: Sequence[LinePriced]) -> Offer:
    covered = {
        place: line
        for place, line in enumerate(lines)
        if line.order == order
        and line.base > 0
        and (line.may_be_partners or not discount.is_partners)
        and discount.covers(
            line.service_type_code, line.product_id, line.region_code, line.charging_mode
        )
    }
    mode = discount.discount_mode
    if mode in (RATIO, UNIT_PRICE):
        reduced = [
            reduce_line(mode, discount.value_at(line.pieces), line.base, line.units)
            for line in covered.values()
        ]
    else:
        bases = [line.base for line in covered.values()]
        reduced = reduce_lines(mode, discount.discount_value, bases)
    return Offer(order, discount, dict(zip(covered, reduced, strict=True)))


def told(offer: Offer) -> dict[str, Any]:
    """As order hears of it; a price of units is the fixed price that it comes to."""
    discount, parts = offer.discount, offer.reductions.values()
    mode, value = discount.discount_mode, discount.value_text
    if mode == UNIT_PRICE:
        mode, value = FIXED_PRICE, f"{sum(one.amount_after_discount for one in parts):f}"
    return {
        "order": offer.order,
        "discount_id": discount.discount_id,
        "discount_type": discount.discount_type,
        "discount_mode": mode,
        "discount_value": value,
        "name": discount.name,
        "ends_at": discount.expire_at and discount.expire_at.isoformat(),
        "lines": [
            {
                "line": place,
                "discount_amount": f"{one.discount_amount:f}",
                "discount_ratio": f"{one.discount_ratio.normalize():f}",
            }
            for place, one in offer.reductions.items()
        ],
    }


def best_of(offers: Sequence[Offer]) -> Offer | None:
    """The largest reduction; among equals commercial before contract before the partner's own."""
    ranked = list(INQUIRY_TYPES)
    named = [one for one in offers if one.discount.discount_type in INQUIRY_TYPES]
    return min(
        named,
        key=lambda one: (-one.amount, ranked.index(one.discount.discount_type)),
        default=None,
    )
