"""State packages again, as `package.opened` (decision 0007)."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.restatement import Restater
from contracts.event import Event
from contracts.order import PackageOpened
from order.packages.facts import package_fact
from order.packages.models import Package


async def _count(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(Package)) or 0


async def _next(session: AsyncSession, after: str, limit: int) -> Sequence[Event]:
    found = await session.scalars(
        select(Package).where(Package.package_id > after).order_by(Package.package_id).limit(limit)
    )
    return [package_fact(PackageOpened, package, package.updated_at) for package in found]


PACKAGES = Restater("package", _count, _next)
