"""Whether an order is a customer's first of a service, where a coupon asks (decision 0161)."""

from collections.abc import Sequence

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from voucher.attempts.models import OPEN, Attempt
from voucher.copies import Order
from voucher.coupons.coupon_use import PayLine
from voucher.coupons.models import Coupon
from wire.vocabulary import OrderStatus, OrderType

PAID = (OrderStatus.PROCESSING, OrderStatus.COMPLETED)
GIVES_BACK = (OrderType.UNSUBSCRIPTION, OrderType.TO_ON_DEMAND)


async def mark_first_orders(
    session: AsyncSession,
    payer_id: str,
    order_id: str | None,
    coupons: Sequence[Coupon],
    lines: Sequence[PayLine],
    *,
    alone: bool = False,
) -> None:
    """Say of each line whether it is the payer's first order of its service, if a coupon asks.

    An order that another attempt is paying counts as paid. `alone`: of several reservations for
    one payer each waits until the one before is committed, so that two are not both the first.
    """
    if not any(coupon.limits.get("first_order_in_service") for coupon in coupons):
        return
    if alone:
        lock = func.pg_advisory_xact_lock(
            func.hashtext("voucher.first_order"), func.hashtext(payer_id)
        )
        await session.execute(select(lock))
    for service in sorted({line.service_type_code for line in lines}):
        is_first = not await _has_ordered(session, payer_id, order_id, service)
        for line in lines:
            if line.service_type_code == service:
                line.is_first = is_first


async def _has_ordered(
    session: AsyncSession, payer_id: str, order_id: str | None, service: str
) -> bool:
    """Whether another order with the service was paid by that customer, or for it."""
    under_way = select(Attempt.order_id).where(
        Attempt.state == OPEN, Attempt.customer_id == payer_id
    )
    found = await session.scalar(
        select(Order.order_id)
        .where(
            or_(Order.customer_id == payer_id, Order.paying_agent_id == payer_id),
            Order.order_id != (order_id or ""),
            or_(Order.status.in_(PAID), Order.order_id.in_(under_way)),
            or_(Order.order_type.is_(None), Order.order_type.not_in(GIVES_BACK)),
            Order.lines.contains([{"service_type_code": service}]),
        )
        .limit(1)
    )
    return found is not None
