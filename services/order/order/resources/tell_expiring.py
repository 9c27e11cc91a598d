"""Tell that resources end soon: 30, 15, 7, 3 and 1 days before, once each."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.database import Database
from order.resources.ends import IN_USE, notice_due
from order.resources.facts import resource_expiring
from order.resources.models import Resource

PORTION_MAX = 100  # resources in one transaction
PORTIONS_MAX = 50  # a turn


async def tell_expiring(database: Database, now: datetime) -> None:
    """Schedule: in bounded portions; of several that have come, the nearest to the end is told."""
    for _ in range(PORTIONS_MAX):
        if await _tell_portion(database, now) < PORTION_MAX:
            return


async def next_notice(session: AsyncSession) -> datetime | None:
    """When the next one is due."""
    return await session.scalar(select(func.min(Resource.notice_at)))


async def _tell_portion(database: Database, now: datetime) -> int:
    due = (
        select(Resource)
        .where(Resource.notice_at <= now)
        .order_by(Resource.notice_at)
        .limit(PORTION_MAX)
        .with_for_update(of=Resource, skip_locked=True)
    )
    async with database.transaction() as session:
        resources = (await session.scalars(due)).all()
        for resource in resources:
            ends_later = resource.expire_at is not None and now < resource.expire_at
            if resource.status != IN_USE or resource.expire_at is None or not ends_later:
                resource.notice_at = None
                continue
            days, next_at = notice_due(resource.expire_at, now)
            if days is None:
                resource.notice_at = next_at
                continue
            resource.note_notice(next_at, now)
            outbox.publish(session, resource_expiring(resource, days, now))
    return len(resources)
