"""State quotas again, as `voucher.quota_granted` (decision 0007)."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.restatement import Restater
from contracts.event import Event
from voucher.quotas.facts import quota_granted
from voucher.quotas.models import Quota


async def _count(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(Quota)) or 0


async def _next(session: AsyncSession, after: str, limit: int) -> Sequence[Event]:
    found = await session.scalars(
        select(Quota).where(Quota.id > after).order_by(Quota.id).limit(limit)
    )
    return [quota_granted(quota, quota.updated_at) for quota in found]


QUOTAS = Restater("quota", _count, _next)
