"""State authorizations again, each by the contract of its status (decision 0007)."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.restatement import Restater
from contracts.event import Event
from customer_sync.authorizations.facts import authorization_restated
from customer_sync.authorizations.models import Authorization


async def _count(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(Authorization)) or 0


async def _next(session: AsyncSession, after: str, limit: int) -> Sequence[Event]:
    found = await session.scalars(
        select(Authorization)
        .where(Authorization.id > after)
        .order_by(Authorization.id)
        .limit(limit)
    )
    return [authorization_restated(authorization) for authorization in found]


AUTHORIZATIONS = Restater("authorization", _count, _next)
