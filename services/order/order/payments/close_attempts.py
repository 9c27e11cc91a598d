"""End payment attempts unpaid: refused ones at once, those that a crash left open by schedule."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.business_clock import BusinessClock
from chassis.database import Database
from chassis.schedules import Work
from order.orders.facts import order_payment_failed
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
    outbox.publish(session, order_payment_failed(order, now, attempt_id, reason_code))
    return True


def close_abandoned_attempts(after_seconds: float, clock: BusinessClock | None = None) -> Work:
    """Schedule by the wall, also on start: no reservation expires by time, so somebody ends it.

    A request at work has given up long before `after_seconds`: its two calls take 5 s each at most.
    What is stated is stated by business time; without a clock of it that is wall time, too.
    """

    async def close(database: Database, wall_now: datetime) -> None:
        begun_before = wall_now - timedelta(seconds=after_seconds)
        now = wall_now if clock is None else await clock.now()
        for _ in range(PORTIONS_MAX):
            if await _close_portion(database, begun_before, now) < PORTION_MAX:
                return

    return close


async def _close_portion(database: Database, begun_before: datetime, now: datetime) -> int:
    left_open = (
        select(PaymentAttempt.attempt_id, Order.order_id)
        .join(Order, Order.order_id == PaymentAttempt.order_id)
        .where(
            PaymentAttempt.state == OPEN,
            PaymentAttempt.begun_at < begun_before,
        )
        .order_by(PaymentAttempt.begun_at)
        .limit(PORTION_MAX)
        .with_for_update(of=Order, skip_locked=True)
    )
    async with database.transaction() as session:
        found = (await session.execute(left_open)).all()
        for attempt_id, order_id in found:
            await fail_attempt(session, attempt_id, order_id, ABANDONED, now)
    return len(found)
