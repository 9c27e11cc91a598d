"""Move business time: the row in which each service keeps how far it is ahead (decision 0094)."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.business_clock import LONG_AGO, Moved
from chassis.tables import BusinessTime


async def stand_at(session: AsyncSession, at: datetime, wall: datetime) -> datetime:
    """Let business time stand there while a step runs; never before what it was. Answers where."""
    row = await _locked(session)
    moved = Moved(row.ahead, row.reached, row.stands)
    row.reached, row.stands = max(moved.at(wall), at), True
    return row.reached


async def run_on(session: AsyncSession, ahead: timedelta) -> None:
    """Let it run on, that far ahead of the wall; one that is further already stays so."""
    row = await _locked(session)
    row.ahead, row.stands = max(row.ahead, ahead), False


async def _locked(session: AsyncSession) -> BusinessTime:
    first = {"ahead": timedelta(), "reached": LONG_AGO, "stands": False}
    await session.execute(insert(BusinessTime).values(first).on_conflict_do_nothing())
    return (await session.scalars(select(BusinessTime).with_for_update())).one()


def business_now() -> ColumnElement[datetime]:
    """Business time in SQL, for what an owner states again."""
    reached = func.greatest(func.now() + BusinessTime.ahead, BusinessTime.reached)
    told = select(case((BusinessTime.stands, BusinessTime.reached), else_=reached))
    return func.coalesce(told.scalar_subquery(), func.now())
