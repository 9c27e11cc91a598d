"""State applications again, each by the contract of its status (decision 0007)."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.restatement import Restater
from contracts.event import Event
from customer_sync.association.facts import application_restated
from customer_sync.association.models import AssociationApplication


async def _count(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(AssociationApplication)) or 0


async def _next(session: AsyncSession, after: str, limit: int) -> Sequence[Event]:
    found = await session.scalars(
        select(AssociationApplication)
        .where(AssociationApplication.id > after)
        .order_by(AssociationApplication.id)
        .limit(limit)
    )
    return [application_restated(application) for application in found]


APPLICATIONS = Restater("association_application", _count, _next)
