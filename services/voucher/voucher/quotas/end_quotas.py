"""Quotas whose time is over: status 3. What is left of them stays where it is."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.database import Database
from voucher.quotas.facts import quota_changed
from voucher.quotas.models import INVALID, NORMAL, Quota

EVERY_SECONDS = 15.0
PORTION_QUOTAS = 200
PORTIONS_MAX = 50  # of one turn


async def end_quotas(database: Database, now: datetime) -> None:
    """Schedule: in portions, each in a transaction of its own; replicas skip each other's rows."""
    for _ in range(PORTIONS_MAX):
        async with database.transaction() as session:
            if await _end_portion(session, now) < PORTION_QUOTAS:
                return


async def next_end(session: AsyncSession) -> datetime | None:
    """When the next quota ends."""
    return await session.scalar(
        select(func.min(Quota.expire_at)).where(Quota.quota_status == NORMAL)
    )


async def _end_portion(session: AsyncSession, now: datetime) -> int:
    found = await session.scalars(
        select(Quota)
        .where(Quota.quota_status == NORMAL, Quota.expire_at <= now)
        .order_by(Quota.expire_at)
        .limit(PORTION_QUOTAS)
        .with_for_update(skip_locked=True)
    )
    quotas = found.all()
    for quota in quotas:
        quota.end(INVALID, now)
        outbox.publish(session, quota_changed(quota, now))
    return len(quotas)
