"""Close a month: by hand once its checklist is as it should be, or by itself on the 5th."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.closing.checklist import NEVER_WAIVED, Checklist
from billing.closing.facts import cycle_closed
from billing.cycles.find_cycle import wait_for_writers
from billing.cycles.models import (
    CLOSED,
    CLOSING,
    NOBODYS,
    OPEN,
    Cycle,
    CycleFinalError,
    final_at,
)
from billing.lines.models import BillLine
from chassis import audit, outbox
from chassis.crash import crash_point
from chassis.errors import BadFieldError, RefusedError
from chassis.identity import Principal
from wire.times import add_months, cycle_bounds, cycle_of

REASON_CHARACTERS_MAX = 1000
LOOKED_BACK_MONTHS = 3  # a month before those is final by its time alone


class CycleNotOverError(RefusedError):
    """The month has not ended."""

    code = "CHB.0409"


class ChecklistOpenError(RefusedError):
    """Something is not as it should be, and nobody let it pass."""

    code = "CHB.0409"


class Waive(BaseModel):
    """An item that is let pass, and why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    item: str = Field(min_length=1, max_length=64)
    reason: str = Field(min_length=1, max_length=REASON_CHARACTERS_MAX)


class CloseCycle(BaseModel):
    """The body of `POST /api/cycles/{cycle}/closing`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    waived: list[Waive] = Field(default_factory=list, max_length=20)


class HoldCycle(BaseModel):
    """The body of `POST /api/cycles/{cycle}/holding`: hold it open, or let it go."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    on_hold: bool
    reason: str = Field(min_length=1, max_length=REASON_CHARACTERS_MAX)


async def lock_cycle(session: AsyncSession, cycle: str) -> Cycle:
    """Its row, made when there is none, and nobody else's until the commit."""
    row = {
        "cycle": cycle, "partner_id": NOBODYS, "state": OPEN, "is_held": False, "waived": {},
        "open_items": [], "version": 1,
    }  # fmt: skip
    await session.execute(insert(Cycle).values(row).on_conflict_do_nothing())
    return await session.get_one(Cycle, cycle, with_for_update=True, populate_existing=True)


def note_waivers(cycle: Cycle, wanted: CloseCycle, by: str, now: datetime) -> None:
    """Let items pass; the checklist is looked at with them.

    Raises:
        BadFieldError: an item that nobody may let pass.

    """
    for index, one in enumerate(wanted.waived):
        if one.item in NEVER_WAIVED:
            raise BadFieldError(f"waived[{index}].item", "nobody may waive it")
        told = {"reason": one.reason, "by": by, "at": now.isoformat()}
        cycle.waived = {**cycle.waived, one.item: told}


async def begin_closing(
    session: AsyncSession, principal: Principal, cycle: Cycle, checklist: Checklist, now: datetime
) -> None:
    """It takes no line from the commit on; those that are being written are waited for.

    Raises:
        CycleNotOverError, CycleFinalError, ChecklistOpenError: see there.

    """
    refuse_final(cycle, now)
    _, end = cycle_bounds(cycle.cycle)
    if now < end:
        raise CycleNotOverError(f"{cycle.cycle} has not ended")
    open_items = [item.item for item in checklist.items if not item.passed]
    if open_items:
        raise ChecklistOpenError(f"not as it should be: {', '.join(open_items)}")
    if cycle.state == OPEN:
        cycle.state, cycle.closing_at, cycle.is_held = CLOSING, now, False
        cycle.version += 1
    audit.record(session, principal, "cycle.close", cycle.cycle, now, waived=sorted(cycle.waived))


async def hold_cycle(
    session: AsyncSession, principal: Principal, cycle: Cycle, wanted: HoldCycle, now: datetime
) -> None:
    """Keep it from closing by itself, or no longer.

    A month of before the system was used can be opened so, to bring what was charged in it
    (decision 0180): it is final by its time alone, and nobody has seen a bill of it.

    Raises:
        CycleFinalError: see there.

    """
    if not (wanted.on_hold and await _is_untouched(session, cycle, now)):
        refuse_final(cycle, now)
    cycle.is_held = wanted.on_hold
    cycle.held_because = wanted.reason if wanted.on_hold else None
    if wanted.on_hold and cycle.state == CLOSING:
        cycle.state, cycle.closing_at = OPEN, None
    cycle.version += 1
    verb = "cycle.hold" if wanted.on_hold else "cycle.release"
    audit.record(session, principal, verb, cycle.cycle, now, reason=wanted.reason)


async def _is_untouched(session: AsyncSession, cycle: Cycle, now: datetime) -> bool:
    """Whether nothing was charged in it and nothing closed it; one that is long over is no case."""
    if cycle.state != OPEN or cycle.cycle not in looked_at(now):
        return False
    has_line = select(exists().where(BillLine.bill_cycle == cycle.cycle))
    return not await session.scalar(has_line)


def looked_at(now: datetime) -> list[str]:
    """The present month and those before it that close by themselves, the oldest first."""
    return [cycle_of(add_months(now, -back)) for back in range(LOOKED_BACK_MONTHS, -1, -1)]


def refuse_final(cycle: Cycle, now: datetime) -> None:
    """Raises CycleFinalError also in the moment before it closes by itself."""
    by_itself = cycle.state == OPEN or cycle.closed_by_itself
    due = by_itself and not cycle.is_held and final_at(cycle.cycle) <= now
    if cycle.is_final or due:
        raise CycleFinalError(f"{cycle.cycle} is final")


async def end_writing(session: AsyncSession, cycle: Cycle, now: datetime) -> None:
    """It takes no line from the commit on, and all that found it open have committed."""
    if cycle.state == OPEN:
        cycle.state, cycle.closing_at = CLOSING, now
        cycle.closed_by_itself = True
        cycle.version += 1
    await wait_for_writers(session, cycle.cycle)


async def finish_closing(
    session: AsyncSession, cycle: Cycle, open_items: list[str], now: datetime
) -> None:
    """Closed for good."""
    cycle.closed_by_itself = bool(cycle.closed_by_itself)
    cycle.state, cycle.closed_at = CLOSED, now
    cycle.open_items = list(open_items)
    cycle.version += 1
    crash_point("billing.cycle_closed")
    outbox.publish(session, cycle_closed(cycle, now))


async def decided_cycles(session: AsyncSession, cycles: list[str]) -> dict[str, Cycle]:
    """Those of which something was decided."""
    found = await session.scalars(select(Cycle).where(Cycle.cycle.in_(cycles)))
    return {one.cycle: one for one in found}
