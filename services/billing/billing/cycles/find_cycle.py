"""How a cycle stands, and whether it takes a line."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.cycles.models import CLOSED, OPEN, Cycle, final_at, new_cycle
from wire.times import cycle_of

_SHARE = text("""
    SELECT pg_advisory_xact_lock_shared(hashtext('billing.cycle'), hashtext(cycle))
    FROM unnest(CAST(:cycles AS text[])) AS cycle
""")
_ALONE = text("SELECT pg_advisory_xact_lock(hashtext('billing.cycle'), hashtext(:cycle))")


async def find_cycle(session: AsyncSession, cycle: str, now: datetime) -> Cycle:
    """The row, or what stands for it; the latter is no session's."""
    found = await session.get(Cycle, cycle, populate_existing=True)
    if found is not None:
        return found
    unknown = new_cycle(cycle)
    if final_at(cycle) <= now:
        unknown.state, unknown.closed_by_itself, unknown.closed_at = CLOSED, True, final_at(cycle)
    return unknown


async def cycles_taking(
    session: AsyncSession, instants: Iterable[datetime], now: datetime | None
) -> frozenset[str]:
    """Of the cycles of these instants those that take lines; they do until the commit.

    A held cycle takes lines after its time; one that is closing does not. Without `now` a cycle of
    which nothing was decided takes lines whatever its time: a fact that is heard late stands in its
    month as long as that is not closed.
    """
    cycles = sorted({cycle_of(instant) for instant in instants})
    await session.execute(_SHARE, {"cycles": cycles})
    rows = await session.execute(
        select(Cycle.cycle, Cycle.state, Cycle.is_held).where(Cycle.cycle.in_(cycles))
    )
    known = {row.cycle: row for row in rows}

    def takes(cycle: str) -> bool:
        row = known.get(cycle)
        if row is not None and (row.state != OPEN or row.is_held):
            return bool(row.state == OPEN)
        return now is None or now < final_at(cycle)

    return frozenset(filter(takes, cycles))


async def wait_for_writers(session: AsyncSession, cycle: str) -> None:
    """Until all that found the cycle open have committed; none finds it open meanwhile."""
    await session.execute(_ALONE, {"cycle": cycle})
