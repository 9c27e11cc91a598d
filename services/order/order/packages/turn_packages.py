"""Time begins, resets and ends packages (docs/domain/resources.md H.13)."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.database import Database
from contracts.order import PackageEnded, PackageReset
from order.packages.facts import package_fact
from order.packages.models import NOT_EFFECTIVE, Package

PORTION_MAX = 100  # packages in one transaction
PORTIONS_MAX = 20  # a turn


async def turn_packages(database: Database, now: datetime) -> None:
    """Schedule: in bounded portions; whichever replica takes a package, it turns once."""
    for _ in range(PORTIONS_MAX):
        if await _turn_portion(database, now) < PORTION_MAX:
            return


async def next_turn(session: AsyncSession) -> datetime | None:
    """When the next package begins, resets or ends."""
    return await session.scalar(select(func.min(Package.turn_at)))


async def _turn_portion(database: Database, now: datetime) -> int:
    due = (
        select(Package)
        .where(Package.turn_at <= now)
        .order_by(Package.turn_at, Package.package_id)
        .limit(PORTION_MAX)
        .with_for_update(of=Package, skip_locked=True)
    )
    async with database.transaction() as session:
        packages = (await session.scalars(due)).all()
        for package in packages:
            turn_package(session, package, now)
    return len(packages)


def turn_package(session: AsyncSession, package: Package, now: datetime) -> None:
    """What became due is stated; cycles that went by unseen are not told one by one."""
    if package.status == NOT_EFFECTIVE:
        package.begin(now)
        outbox.publish(session, package_fact(PackageReset, package, now))
    cycle = package.reuse.cycle_at(now)
    if cycle is None:
        package.end(now)
        outbox.publish(session, package_fact(PackageEnded, package, now))
    elif cycle.begin_at > package.cycle_begin_at and package.is_touched:
        package.reset(cycle, now)
        outbox.publish(session, package_fact(PackageReset, package, now))
