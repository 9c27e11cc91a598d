"""Reserve an attempt's coupons with voucher and hold its money with billing."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from chassis.crash import crash_point
from chassis.errors import OutsideError, RefusedError
from chassis.identity import Principal
from order.orders.discounts import LinePrice, payable
from order.orders.models import Order, PaymentAttempt
from order.payments.note_payment import PAYING, check_coupon_parts
from order.peers import CouponShare, HeldMoney, Peers


class CouponKindError(RefusedError):
    """Neither a discount, cash or flexi coupon nor a card: no other goes into a payment."""

    code = "CBC.99003112"


@dataclass(frozen=True, slots=True)
class OpenedAttempt:
    """A committed attempt: its order, the lines at the price it pays, earlier attempts' ids.

    The earlier ones failed; what they hold is still to be freed where the event that states their
    end has not arrived yet, and is this attempt's to use.
    """

    attempt: PaymentAttempt
    order: Order
    prices: list[LinePrice]
    failed: Sequence[str]


async def reserve_payment(
    peers: Peers, principal: Principal, opened: OpenedAttempt
) -> tuple[list[CouponShare], HeldMoney]:
    """What coupons pay, and the money for the rest.

    Raises:
        RefusedError: the precise refusal of voucher or billing.
        OutsideError: one of them did not answer.

    """
    coupons = await _reserve_coupons(peers, principal, opened)
    crash_point("order.reserved")
    money = await _hold_money(peers, principal, opened, coupons)
    crash_point("order.held")
    return coupons, money


async def _reserve_coupons(
    peers: Peers, principal: Principal, opened: OpenedAttempt
) -> list[CouponShare]:
    attempt, order = opened.attempt, opened.order
    if not attempt.coupons:
        return []
    reservation = {
        "attempt_id": attempt.attempt_id,
        "order_id": order.order_id,
        "customer_id": payer_of(order),
        "coupons": attempt.coupons,
        "lines": [reserved_line(price, order.order_type) for price in opened.prices],
        "failed_attempt_ids": opened.failed,
    }
    shares = await peers.reserve_coupons(principal, reservation)
    if any(share.coupon_type not in PAYING for share in shares):
        raise CouponKindError
    check_coupon_parts(opened.prices, shares)
    return shares


def payer_of(order: Order) -> str:
    """Whose coupons and money the open attempt is to use."""
    return order.paying_agent_id or order.customer_id


def reserved_line(price: LinePrice, order_type: int) -> dict[str, Any]:
    """The line as voucher compares and pays it; a discount only where it covers the line."""
    line = price.line
    reserved = {
        "line_id": line.line_id,
        "product_id": line.product_id,
        "service_type_code": line.service_type_code,
        "region_code": line.region_code,
        "order_type": order_type,
        "charging_mode": line.charging_mode,
        "period_type": line.period_type,
        "amount_after_discount": str(price.amount_after_discount),
    }
    if price.discount_type is not None:
        reserved["discount_type"] = price.discount_type
        reserved["discount_ratio"] = str(price.discount_ratio)
    return reserved


async def _hold_money(
    peers: Peers, principal: Principal, opened: OpenedAttempt, coupons: list[CouponShare]
) -> HeldMoney:
    """Hold what coupons do not pay; there is nothing to hold for nothing."""
    amount = payable(opened.prices) - sum(share.amount for share in coupons)
    if amount == 0:
        return HeldMoney(Decimal("0.00"), Decimal("0.00"))
    held = await peers.hold_money(
        principal,
        {
            "attempt_id": opened.attempt.attempt_id,
            "order_id": opened.order.order_id,
            "customer_id": payer_of(opened.order),
            "amount": str(amount),
            "failed_attempt_ids": opened.failed,
        },
    )
    if held.cash_amount + held.credit_amount != amount:
        raise OutsideError("the hold does not add up")
    return held
