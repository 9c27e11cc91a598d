"""End attempts that paid nothing: refused ones at once, abandoned ones by schedule."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.usage_coupons.facts import usage_coupons_settled
from billing.usage_coupons.models import FAILED, OPEN, UsageAttempt
from chassis import outbox
from chassis.business_clock import BusinessNow
from chassis.database import Database
from chassis.schedules import Work

ABANDONED = "CHB.0503"
CLOSE_SECONDS = 5.0
PORTION_MAX = 200
PORTIONS_MAX = 20  # a turn


async def fail_attempts(
    session: AsyncSession, attempt_ids: Collection[str], reason_code: str, now: datetime
) -> int:
    """Close those that are still open, and state it; how many were."""
    found = await session.scalars(
        select(UsageAttempt)
        .where(UsageAttempt.attempt_id.in_(attempt_ids), UsageAttempt.state == OPEN)
        .order_by(UsageAttempt.attempt_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    closed = found.all()
    for attempt in closed:
        attempt.state, attempt.closed_at = FAILED, now
        attempt.reason_code = reason_code
        outbox.publish(session, usage_coupons_settled(attempt, now))
    return len(closed)


def close_abandoned_attempts(after_seconds: float, clock: BusinessNow) -> Work:
    """Schedule by the wall, also on start: what voucher holds never expires by time."""

    async def close(database: Database, wall_now: datetime) -> None:
        begun_before = wall_now - timedelta(seconds=after_seconds)
        now = await clock()
        for _ in range(PORTIONS_MAX):
            async with database.transaction() as session:
                found = await session.scalars(
                    select(UsageAttempt.attempt_id)
                    .where(UsageAttempt.state == OPEN, UsageAttempt.begun_at < begun_before)
                    .order_by(UsageAttempt.begun_at)
                    .limit(PORTION_MAX)
                    .with_for_update(skip_locked=True)
                )
                ids = found.all()
                await fail_attempts(session, ids, ABANDONED, now)
            if len(ids) < PORTION_MAX:
                return

    return close
