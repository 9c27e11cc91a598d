"""State solutions again, so that others can rebuild their copies (decision 0007)."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.restatement import Restater
from contracts.event import Event
from partner.solutions.facts import solution_changed
from partner.solutions.models import Solution


async def _count(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(Solution)) or 0


async def _next(session: AsyncSession, after: str, limit: int) -> Sequence[Event]:
    found = await session.scalars(
        select(Solution)
        .where(Solution.solution_id > after)
        .order_by(Solution.solution_id)
        .limit(limit)
    )
    return [solution_changed(solution, solution.created_at) for solution in found]


SOLUTIONS = Restater("solution", _count, _next)
