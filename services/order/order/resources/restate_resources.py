"""State resources again, as `resource.opened` (decision 0007)."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.restatement import Restater
from contracts.event import Event
from order.resources.facts import resource_opened
from order.resources.models import Resource


async def _count(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(Resource)) or 0


async def _next(session: AsyncSession, after: str, limit: int) -> Sequence[Event]:
    found = await session.scalars(
        select(Resource)
        .where(Resource.resource_id > after)
        .order_by(Resource.resource_id)
        .limit(limit)
    )
    return [resource_opened(resource, resource.updated_at) for resource in found]


RESOURCES = Restater("resource", _count, _next)
