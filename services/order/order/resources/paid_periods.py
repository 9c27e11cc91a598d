"""What each means of payment paid of a period, from the order that paid it."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.ids import new_id
from contracts.order import CouponPart, CouponUse
from order.orders.models import PAID, Order, OrderLine, PaymentAttempt
from order.resources.models import ResourcePeriod
from wire.money import split

CASH_COUPON = 1  # coupon type as in lists, docs/domain/coupons.md B.7


def paid_period(
    order: Order, line: OrderLine, number: int, begin_at: datetime, end_at: datetime | None
) -> ResourcePeriod:
    """The piece's part of what paid the line: equal to the cent, the earlier ones first."""

    def part(name: str) -> Decimal:
        return split(getattr(line, name), line.quantity)[number - 1]

    return ResourcePeriod(
        period_id=new_id(),
        customer_id=order.customer_id,
        partner_id=order.partner_id,
        distributor_id=order.distributor_id,
        order_id=order.order_id,
        line_id=line.line_id,
        begin_at=begin_at,
        end_at=end_at,
        official_amount=part("official_amount"),
        coupon_amount=part("coupon_amount"),
        flexipurchase_coupon_amount=part("flexipurchase_coupon_amount"),
        stored_card_amount=part("stored_card_amount"),
        cash_amount=part("cash_amount"),
        credit_amount=part("credit_amount"),
        payer_id=order.payer_id,
    )


async def coupons_by_line(session: AsyncSession, order: Order) -> dict[str, list[CouponUse]]:
    """What each coupon paid of each line, from the attempt that paid the order."""
    paid = await session.scalar(
        select(PaymentAttempt.coupons).where(
            PaymentAttempt.order_id == order.order_id, PaymentAttempt.state == PAID
        )
    )
    by_line: defaultdict[str, list[CouponUse]] = defaultdict(list)
    for use in map(CouponUse.model_validate, paid or []):
        for part in use.lines or _parts_by_type(order, use):
            by_line[part.line_id].append(use.model_copy(update={"amount": part.amount}))
    return by_line


def _parts_by_type(order: Order, use: CouponUse) -> list[CouponPart]:
    """Of an order that a release before was paid: it used one coupon of each type."""
    name = "coupon_amount" if use.coupon_type == CASH_COUPON else "flexipurchase_coupon_amount"
    parts = [(line.line_id, getattr(line, name)) for line in order.lines]
    return [CouponPart(line_id=line_id, amount=amount) for line_id, amount in parts if amount]


def part_of_coupons(
    uses: Sequence[CouponUse], line: OrderLine, number: int
) -> list[dict[str, Any]]:
    """The piece's part of what the coupons paid of its line."""
    parts = []
    for use in uses:
        amount = split(use.amount, line.quantity)[number - 1]
        if amount:
            about = {"coupon_id": use.coupon_id, "coupon_type": use.coupon_type}
            parts.append({**about, "amount": f"{amount:f}"})
    return parts
