"""The door to cycles: how a month stands, its checklist, closing and holding; native."""

from typing import Annotated

from fastapi import Depends, Path
from fastapi.responses import Response

from billing.closing.checklist import Checklist, show_checklist
from billing.closing.close_cycle import (
    CloseCycle,
    HoldCycle,
    begin_closing,
    hold_cycle,
    lock_cycle,
    note_waivers,
)
from billing.closing.close_due_cycles import parked_events
from billing.closing.native_answers import CycleAnswer, native_cycle
from billing.cycles.find_cycle import find_cycle
from billing.parts import CurrentParts
from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.errors import BadFieldError
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.routes import Router
from wire.times import parse_cycle

router = Router()


def _cycle(cycle: Annotated[str, Path()]) -> str:
    try:
        return parse_cycle(cycle)
    except ValueError as error:
        raise BadFieldError("cycle", "not a cycle like 2026-11") from error


WantedCycle = Annotated[str, Depends(_cycle)]


@router.get("/api/cycles/{cycle}", response_model=CycleAnswer)
async def show(cycle: WantedCycle, session: HttpSession, now: Now) -> Response:
    """How a month stands, and when it closes by itself."""
    return JsonAnswer(native_cycle(await find_cycle(session, cycle, now)))


@router.get("/api/cycles/{cycle}/checklist", response_model=Checklist)
async def checklist(
    cycle: WantedCycle, session: HttpSession, parts: CurrentParts, now: Now
) -> Response:
    """What should be so before the month is closed."""
    row = await find_cycle(session, cycle, now)
    async with parts.database.transaction() as bus:
        parked = await parked_events(bus)
    return JsonAnswer(await show_checklist(session, row, parts.settlement_prices, parked, now))


@router.post("/api/cycles/{cycle}/closing", response_model=CycleAnswer)
async def close(
    cycle: WantedCycle,
    body: CloseCycle,
    principal: CurrentPrincipal,
    session: HttpSession,
    parts: CurrentParts,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """Close a month before its time, or one that was held; the checklist must be passed."""
    row = await lock_cycle(session, cycle)
    note_waivers(row, body, principal.name, now)
    async with parts.database.transaction() as bus:
        parked = await parked_events(bus)
    looked = await show_checklist(session, row, parts.settlement_prices, parked, now)
    await begin_closing(session, principal, row, looked, now)
    return await idempotency.answer(native_cycle(row))


@router.post("/api/cycles/{cycle}/holding", response_model=CycleAnswer)
async def hold(
    cycle: WantedCycle,
    body: HoldCycle,
    principal: CurrentPrincipal,
    session: HttpSession,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """Keep a month from closing by itself, or let it go."""
    row = await lock_cycle(session, cycle)
    await hold_cycle(session, principal, row, body, now)
    return await idempotency.answer(native_cycle(row))
