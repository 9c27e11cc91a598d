"""State bill lines again, as they are now (decision 0007)."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.lines.facts import line_recorded
from billing.lines.models import BillLine
from chassis.restatement import Restater
from contracts.event import Event


async def _count(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(BillLine)) or 0


async def _next(session: AsyncSession, after: str, limit: int) -> Sequence[Event]:
    found = await session.scalars(
        select(BillLine).where(BillLine.line_id > after).order_by(BillLine.line_id).limit(limit)
    )
    return [line_recorded(line, line.trade_time) for line in found]


LINES = Restater("line", _count, _next)
