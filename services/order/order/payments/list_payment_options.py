"""How a pending order may be paid: each discount with the coupons that may be combined.

A dry run by the rules of a payment; nothing is reserved, held or written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import RefusedError
from chassis.identity import Principal
from order.copies import Customer
from order.orders.discounts import (
    CONTRACT,
    ZERO,
    LinePrice,
    carried_prices,
    offered_discounts,
    payable,
    prices_with,
)
from order.orders.find_order import OrderNotFoundError, visible_as_agent, visible_with_resellers
from order.orders.models import Order
from order.payments.note_payment import (
    CASH_COUPON,
    DISCOUNT_COUPON,
    FLEXI_COUPON,
    STORED_CARD,
)
from order.payments.option_answers import (
    OptionCouponAnswer,
    PaymentOptionAnswer,
    PaymentOptionsAnswer,
    RefusedCouponAnswer,
)
from order.payments.pay_automatically import best_coupon, best_discount
from order.payments.reserve_payment import reserved_line
from order.peers import CouponOptions, Peers, UsableCoupon
from wire.codes import code as code_of

OPTIONS_MAX = 500  # shared evenly by the prices


class MastersMeansError(RefusedError):
    """A custody member does not see what its enterprise master could pay with."""

    code = "CBC.0155"


@dataclass(frozen=True, slots=True)
class _Asked:
    """A price of the order, and the discount it is with; None: none."""

    discount_id: str | None
    prices: list[LinePrice]


async def list_payment_options(
    session: AsyncSession,
    peers: Peers,
    principal: Principal,
    order_id: str,
    now: datetime,
    language: str,
) -> PaymentOptionsAnswer:
    """Every discount × coupons that may be combined, the best one, and what the system would take.

    Raises:
        OrderNotFoundError: no order that the caller sees.
        MastersMeansError: the caller's master pays it.
        RefusedError: it cannot be paid now.

    """
    order = await _order(session, principal, order_id)
    order.check_payable(now)
    customer = await session.get(Customer, order.customer_id)
    master_id = customer.paying_master_id if customer is not None else None
    payer_id = master_id or order.customer_id
    if principal.is_customer and principal.id != payer_id:
        raise MastersMeansError("the enterprise master pays for this account")
    pricings = [_Asked(order.discount_id, carried_prices(order))]
    pricings += [
        _Asked(discount.discount_id, prices_with(order, discount))
        for discount in await offered_discounts(session, order, now)
        if discount.discount_id != order.discount_id and discount.discount_type != CONTRACT
    ]
    chosen = await best_discount(session, order, now)
    asked: dict[str, Any] = {
        "order_id": order.order_id,
        "customer_id": payer_id,
        "pricings": [
            {"lines": [reserved_line(x, order.order_type) for x in each.prices]}
            for each in pricings
        ],
        "options_max": OPTIONS_MAX // len(pricings),
    }
    payer = Principal(id=payer_id, kind="customer", partner_id=order.partner_id)
    found = await peers.coupon_options(payer, asked)
    options = [
        _option(order, pricing, coupons)
        for pricing, rated in zip(pricings, found, strict=True)
        for coupons in rated.options
    ]
    amounts = sorted({option.balance_amount for option in options})
    covered = dict(zip(amounts, await peers.are_covered(payer, payer_id, amounts), strict=True))
    options = [x.model_copy(update={"covered": covered[x.balance_amount]}) for x in options]
    discount_id = chosen.discount_id if chosen is not None else None
    return PaymentOptionsAnswer(
        order_id=order.order_id,
        payer_id=payer_id,
        options=options,
        best=min(range(len(options)), key=lambda place: _rank(options[place])),
        automatic=_automatic(options, pricings, found, discount_id),
        refused=_refused(pricings, found, language),
        has_more=any(rated.has_more for rated in found),
    )


async def _order(session: AsyncSession, principal: Principal, order_id: str) -> Order:
    seen = visible_with_resellers(principal, Order)
    if principal.is_customer:
        seen = or_(seen, visible_as_agent(principal))
    wanted = select(Order).where(Order.order_id == order_id.upper(), seen)
    order: Order | None = await session.scalar(wanted)
    if order is None:
        raise OrderNotFoundError
    return order


def _option(order: Order, pricing: _Asked, coupons: Sequence[UsableCoupon]) -> PaymentOptionAnswer:
    taken_off = sum((x.amount for x in coupons if x.coupon_type == DISCOUNT_COUPON), ZERO)
    amount = payable(pricing.prices) - taken_off
    paid = {
        kind: sum((x.amount for x in coupons if x.coupon_type == kind), ZERO)
        for kind in (CASH_COUPON, FLEXI_COUPON, STORED_CARD)
    }
    return PaymentOptionAnswer(
        discount_id=pricing.discount_id,
        coupons=[
            OptionCouponAnswer(
                coupon_id=coupon.coupon_id,
                type=coupon.coupon_type,
                amount=coupon.amount,
                expire_at=coupon.expire_at,
                currency=order.currency,
            )
            for coupon in coupons
        ],
        currency=order.currency,
        amount_after_discount=amount,
        coupon_amount=paid[CASH_COUPON],
        flexipurchase_coupon_amount=paid[FLEXI_COUPON],
        stored_card_amount=paid[STORED_CARD],
        balance_amount=amount - sum(paid.values()),
        covered=False,
    )


def _rank(option: PaymentOptionAnswer) -> tuple[bool, Decimal, int, list[datetime]]:
    """Covered first, then least money, then fewest coupons, then those that end first."""
    ends = sorted(coupon.expire_at for coupon in option.coupons)
    return not option.covered, option.balance_amount, len(option.coupons), ends


def _automatic(
    options: Sequence[PaymentOptionAnswer],
    pricings: Sequence[_Asked],
    found: Sequence[CouponOptions],
    discount_id: str | None,
) -> int | None:
    """Where what the system takes stands among the options."""
    usable = {
        pricing.discount_id: rated.usable for pricing, rated in zip(pricings, found, strict=True)
    }
    coupon = best_coupon(usable.get(discount_id, []))
    wanted = (discount_id, [coupon.coupon_id] if coupon is not None else [])
    for place, option in enumerate(options):
        if (option.discount_id, [x.coupon_id for x in option.coupons]) == wanted:
            return place
    return None


def _refused(
    pricings: Sequence[_Asked], found: Sequence[CouponOptions], language: str
) -> list[RefusedCouponAnswer]:
    return [
        RefusedCouponAnswer(
            coupon_id=coupon_id,
            discount_id=pricing.discount_id,
            code=code,
            message=code_of(code).text(language),
        )
        for pricing, rated in zip(pricings, found, strict=True)
        for coupon_id, code in rated.refused
    ]
