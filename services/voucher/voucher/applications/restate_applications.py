"""State applications again, as `voucher.application_submitted` (decision 0007)."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.restatement import Restater
from contracts.event import Event
from voucher.applications.facts import application_submitted
from voucher.applications.models import Application


async def _count(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(Application)) or 0


async def _next(session: AsyncSession, after: str, limit: int) -> Sequence[Event]:
    found = await session.scalars(
        select(Application).where(Application.id > after).order_by(Application.id).limit(limit)
    )
    return [application_submitted(one, one.decided_at or one.created_at) for one in found]


APPLICATIONS = Restater("test coupon application", _count, _next)
