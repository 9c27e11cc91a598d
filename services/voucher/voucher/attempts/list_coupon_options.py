"""What coupons would pay of an order: the rules of a reservation, and nothing is reserved."""

from collections.abc import Iterator, Sequence
from copy import copy
from datetime import datetime
from decimal import Decimal
from itertools import chain, islice, product
from typing import Any

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.identity import Principal, WrongPrincipalError
from voucher.attempts.reserve_coupons import LINES_MAX, LineAsked, pay_line
from voucher.copies import Customer
from voucher.coupons.coupon_use import PayLine, use_coupon
from voucher.coupons.models import USABLE, Coupon
from voucher.coupons.payment_rules import Payment, first_broken, judge_coupon, judge_together
from voucher.first_orders import mark_first_orders
from voucher.quotas.models import CASH, FLEXI
from wire.types import Id, WireRequest

COUPONS_MAX = 100  # looked at for one order, the earliest to end first
PRICINGS_MAX = 102  # no discount, and each that an order may have
OPTIONS_MAX = 500


class Pricing(WireRequest):
    """The order's lines at one of its prices."""

    lines: list[LineAsked] = Field(min_length=1, max_length=LINES_MAX)


class ListCouponOptions(WireRequest):
    """The body of POST /internal/coupon-options; at most `options_max` for each pricing."""

    order_id: Id
    customer_id: Id
    pricings: list[Pricing] = Field(min_length=1, max_length=PRICINGS_MAX)
    options_max: int = Field(ge=0, le=OPTIONS_MAX)


async def list_coupon_options(
    session: AsyncSession, principal: Principal, asked: ListCouponOptions, now: datetime
) -> dict[str, Any]:
    """For each pricing: usable coupons, those refused with their code, and what may be combined."""
    if principal.is_customer and principal.id != asked.customer_id:
        raise WrongPrincipalError
    payer = await session.get(Customer, asked.customer_id)
    found = await session.scalars(
        select(Coupon)
        .where(
            Coupon.customer_id == asked.customer_id,
            Coupon.status == USABLE,
            Coupon.expire_at > now,
        )
        .order_by(Coupon.expire_at, Coupon.id)
        .limit(COUPONS_MAX)
    )
    coupons = list(found)
    rated = []
    for each in asked.pricings:
        lines = [pay_line(line) for line in each.lines]
        await mark_first_orders(session, asked.customer_id, asked.order_id, coupons, lines)
        rated.append(_rate(coupons, payer, lines, now, asked.options_max))
    return {"pricings": rated}


def _rate(
    coupons: Sequence[Coupon],
    payer: Customer | None,
    lines: Sequence[PayLine],
    now: datetime,
    options_max: int,
) -> dict[str, Any]:
    payment = Payment(payer, lines, now)
    usable, refused = [], []
    for coupon in coupons:
        broken = first_broken(judge_coupon(coupon, payment))
        if broken is None:
            usable.append(coupon)
        else:
            refused.append({"coupon_id": coupon.id, "code": broken.code})
    options = list(islice(_options(usable, lines), options_max + 1))
    return {
        "usable": [_shown(coupon) for coupon in usable],
        "refused": refused,
        "options": options[:options_max],
        "has_more": len(options) > options_max,
    }


def _shown(coupon: Coupon) -> dict[str, Any]:
    return {
        "coupon_id": coupon.id,
        "coupon_type": coupon.coupon_type,
        "balance": f"{coupon.balance:f}",
        "expire_at": coupon.expire_at.isoformat(),
    }


def _options(usable: Sequence[Coupon], lines: Sequence[PayLine]) -> Iterator[list[dict[str, Any]]]:
    """None, one, and those that go together: the largest balances first, then the first to end.

    Cash and discount coupons exclude each other; a flexi coupon and a card go beside either.
    """
    largest = sorted(usable, key=lambda coupon: -coupon.balance)
    cash = [coupon for coupon in largest if coupon.coupon_type == CASH]
    discount = [coupon for coupon in largest if coupon.is_discount]
    flexi = [coupon for coupon in largest if coupon.coupon_type == FLEXI]
    cards = [coupon for coupon in largest if coupon.is_card]
    yield []
    for coupon in largest:
        yield _paid([coupon], lines)
    first = [*cash, *discount]
    for together in chain(  # in the order they are charged
        product(first, flexi), product(first, cards), product(flexi, cards),
        product(first, flexi, cards),
    ):  # fmt: skip
        if first_broken(judge_together(together)) is None:
            yield _paid(together, lines)


def _paid(coupons: Sequence[Coupon], lines: Sequence[PayLine]) -> list[dict[str, Any]]:
    """What each pays of a copy of the lines."""
    owed = [copy(line) for line in lines]
    shares = []
    for coupon in coupons:
        parts = use_coupon(coupon, owed)
        amount = sum((part.amount for part in parts), Decimal("0.00"))
        shares.append(_shown(coupon) | {"amount": f"{amount:f}"})
    return shares
