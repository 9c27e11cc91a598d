"""What money an order would take that is not placed yet, as the system pays it.

See docs/domain/orders.md H.4.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from chassis.identity import Principal
from order.orders.discounts import CONTRACT, ZERO
from order.payments.pay_automatically import best_coupon
from order.peers import Offer, Peers, Quote

NO_ORDER = "-"  # none is placed
OPTIONS_MAX = 101  # none, and each of the coupons that are looked at


async def foresee_payment(
    peers: Peers,
    payer: Principal,
    asked: Sequence[dict[str, Any]],
    quote: Quote,
    order_type: int,
) -> Decimal:
    """The price with the cheapest offer, less what the best cash coupon pays; nothing is locked."""
    offer = _cheapest(quote)
    off = {place: (amount, ratio) for place, amount, ratio in offer.lines} if offer else {}
    lines = []
    for place, (line, quoted) in enumerate(zip(asked, quote.lines, strict=True)):
        priced = {
            "line_id": str(place),
            "product_id": quoted.product_id,
            "service_type_code": line["service_type_code"],
            "region_code": line["region_code"],
            "order_type": order_type,
            "charging_mode": line["charging_mode"],
            "period_type": line["period_type"],
            "amount_after_discount": str(quoted.amount_after_discount),
        }
        if offer is not None and place in off:
            amount, ratio = off[place]
            payable = quoted.amount_after_discount - Decimal(amount)
            priced |= {"amount_after_discount": str(payable), "discount_ratio": ratio}
            priced["discount_type"] = offer.discount_type
        lines.append(priced)
    (found,) = await peers.coupon_options(
        payer,
        {
            "order_id": NO_ORDER,
            "customer_id": payer.id,
            "pricings": [{"lines": lines}],
            "options_max": OPTIONS_MAX,
        },
    )
    whole = sum((Decimal(line["amount_after_discount"]) for line in lines), ZERO)
    best = best_coupon(found.usable)
    for option in found.options:
        if best is not None and [one.coupon_id for one in option] == [best.coupon_id]:
            return whole - option[0].amount
    return whole


def _cheapest(quote: Quote) -> Offer | None:
    """The first to end where several take off as much: billing tells them in that order."""
    offers = [offer for offer in quote.offers if offer.discount_type != CONTRACT]
    return max(offers, key=_taken_off, default=None)


def _taken_off(offer: Offer) -> Decimal:
    return sum((Decimal(amount) for _, amount, _ in offer.lines), ZERO)
