"""Months that close by themselves on the 5th at 12:00 Beijing, and those somebody is closing."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import exists, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.closing.checklist import show_checklist
from billing.closing.close_cycle import (
    decided_cycles,
    end_writing,
    finish_closing,
    lock_cycle,
    looked_at,
)
from billing.closing.top_up_truncation import top_up_truncation
from billing.cycles.models import CLOSING, OPEN, Cycle, final_at
from billing.lines.models import BillLine
from billing.settlement.settlement_prices import SettlementPrices
from chassis.database import Database
from chassis.move_clock import business_now
from chassis.tables import ParkedEvent

EVERY_SECONDS = 5.0  # who closes by hand waits for it


class Closings:
    """The schedule that closes."""

    def __init__(self, prices: SettlementPrices):
        self._prices = prices

    async def work(self, database: Database, now: datetime) -> None:
        """Each month in a transaction of its own; what stands open is told, and closes with it."""
        async with database.transaction() as session:
            due = await _due(session, now)
        for cycle in due:
            async with database.transaction() as session:
                row = await lock_cycle(session, cycle)
                if not _is_due(row, now):
                    continue
                await end_writing(session, row, now)
            await top_up_truncation(database, cycle, now)
            async with database.transaction() as session:
                row = await lock_cycle(session, cycle)
                if not _is_due(row, now):
                    continue
                parked = await parked_events(session)
                checklist = await show_checklist(session, row, self._prices, parked, now)
                open_items = [item.item for item in checklist.items if not item.passed]
                await finish_closing(session, row, open_items, now)


async def parked_events(session: AsyncSession) -> Mapping[str, int]:
    """Billing's own events that wait for a person, by type."""
    rows = await session.execute(
        select(func.coalesce(ParkedEvent.event_type, "?"), func.count())
        .where(ParkedEvent.state == "waiting")
        .group_by(ParkedEvent.event_type)
    )
    return {kind: count for kind, count in rows}


async def next_closing(session: AsyncSession) -> datetime | None:
    """When the next month is final by its time; business time that is moved stops there."""
    now: datetime = (await session.execute(select(business_now()))).scalar_one()
    known = await _with_lines(session, looked_at(now))
    if any(row is not None and row.state == CLOSING for row in known.values()):
        return now
    coming = [
        final_at(cycle)
        for cycle, row in known.items()
        if row is None or (row.state == OPEN and not row.is_held)
    ]
    return min(coming, default=None)


async def _due(session: AsyncSession, now: datetime) -> list[str]:
    known = await _with_lines(session, looked_at(now))
    return [
        cycle
        for cycle, row in known.items()
        if (_is_due(row, now) if row is not None else final_at(cycle) <= now)
    ]


async def _with_lines(session: AsyncSession, months: list[str]) -> dict[str, Cycle | None]:
    """Those of which something was decided, or that have a line."""
    decided = await decided_cycles(session, months)
    known: dict[str, Cycle | None] = {}
    for cycle in months:
        has_line = select(literal(1)).where(exists().where(BillLine.bill_cycle == cycle))
        if cycle in decided or await session.scalar(has_line):
            known[cycle] = decided.get(cycle)
    return known


def _is_due(cycle: Cycle, now: datetime) -> bool:
    by_itself = cycle.state == OPEN and not cycle.is_held and final_at(cycle.cycle) <= now
    return by_itself or cycle.state == CLOSING
