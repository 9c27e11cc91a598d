"""End payment attempts unpaid: refused ones at once, those that a crash left open by schedule."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.database import Database
from chassis.outbox import publish
from chassis.schedules import Work
from contracts.order import OrderPaymentFailed
from order.orders.facts import order_fact
from order.orders.models import FAILED, OPEN, Order, PaymentAttempt

ABANDONED = "CHB.0503"
PORTION_MAX = 50  # attempts
PORTIONS_MAX = 20  # a turn


async def fail_attempt(
    session: AsyncSession, attempt_id: str, order_id: str, reason_code: str, now: datetime
) -> bool:
    """Close the attempt as failed and state it; False when it is closed already.

    The order is locked first, as everywhere, so that its facts are stated in their order.
    """
    order = await session.get_one(
        Order, order_id, with_for_update={"of": Order}, populate_existing=True
    )
    attempt = await session.get_one(
        PaymentAttempt, attempt_id, with_for_update=True, populate_existing=True
    )
    if attempt.state != OPEN:
        return False
    attempt.close(FAILED, now, reason_code)
    now = attempt.closed_at or now
    order.payment_failed(now)
    publish(
        session,
        order_fact(OrderPaymentFailed, order, now, attempt_id=attempt_id, reason_code=reason_code),
    )
    return True


def close_abandoned_attempts(after_seconds: float) -> Work:
    """Schedule, also on start: no reservation expires by time, so somebody must end it.

    A request at work has given up long before `after_seconds`: its two calls take 5 s each at most.
    """

    async def close(database: Database, now: datetime) -> None:
        opened_before = now - timedelta(seconds=after_seconds)
        for _ in range(PORTIONS_MAX):
            if await _close_portion(database, opened_before, now) < PORTION_MAX:
                return

    return close


async def _close_portion(database: Database, opened_before: datetime, now: datetime) -> int:
    left_open = (
        select(PaymentAttempt.attempt_id, Order.order_id)
        .join(Order, Order.order_id == PaymentAttempt.order_id)
        .where(
            PaymentAttempt.state == OPEN,
            PaymentAttempt.opened_at < opened_before,
        )
        .order_by(PaymentAttempt.opened_at)
        .limit(PORTION_MAX)
        .with_for_update(of=Order, skip_locked=True)
    )
    async with database.transaction() as session:
        found = (await session.execute(left_open)).all()
        for attempt_id, order_id in found:
            await fail_attempt(session, attempt_id, order_id, ABANDONED, now)
    return len(found)
