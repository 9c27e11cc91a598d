"""State accounts and operators again, so that others can rebuild their copies (decision 0007)."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.restatement import Restater
from contracts.event import Event
from partner.facts import operator_added, partner_joined
from partner.models import Operator, Partner


async def _count_partners(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(Partner)) or 0


async def _next_partners(session: AsyncSession, after: str, limit: int) -> Sequence[Event]:
    found = await session.scalars(
        select(Partner).where(Partner.partner_id > after).order_by(Partner.partner_id).limit(limit)
    )
    return [partner_joined(partner, partner.joined_on) for partner in found]


async def _count_operators(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(Operator)) or 0


async def _next_operators(session: AsyncSession, after: str, limit: int) -> Sequence[Event]:
    """Without a credential: the gateway bound it when the operator was added."""
    found = await session.execute(
        select(Operator, Partner.distributor_id)
        .join(Partner, Partner.partner_id == Operator.partner_id)
        .where(Operator.operator_id > after)
        .order_by(Operator.operator_id)
        .limit(limit)
    )
    return [operator_added(operator, distributor_id) for operator, distributor_id in found]


RESTATERS = (
    Restater("partner", _count_partners, _next_partners),
    Restater("operator", _count_operators, _next_operators),
)
