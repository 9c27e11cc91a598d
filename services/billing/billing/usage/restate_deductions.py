"""State deductions again, as they were made (decision 0007)."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.usage.facts import package_deducted
from billing.usage.models import PackageDeduction
from chassis.restatement import Restater
from contracts.event import Event


async def _count(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(PackageDeduction)) or 0


async def _next(session: AsyncSession, after: str, limit: int) -> Sequence[Event]:
    found = await session.scalars(
        select(PackageDeduction)
        .where(PackageDeduction.deduction_id > after)
        .order_by(PackageDeduction.deduction_id)
        .limit(limit)
    )
    return [package_deducted(deduction, deduction.deducted_at) for deduction in found]


DEDUCTIONS = Restater("deduction", _count, _next)
