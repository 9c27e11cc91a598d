"""The service's business clock over HTTP, for whoever moves it for all; the administrator's.

Only a sandbox has these doors (decision 0094).
"""

from datetime import timedelta
from typing import Annotated

from aiokafka.errors import KafkaError
from fastapi import APIRouter, Depends, Request, Response
from pydantic import AwareDatetime, BaseModel, Field

from chassis.answers import JsonAnswer
from chassis.clock import Now, WallNow
from chassis.clock_stops import business_schedules, due_instants, look_whether_quiet, run_due
from chassis.errors import OutsideError
from chassis.identity import CurrentPrincipal, Principal, WrongPrincipalError
from chassis.move_clock import run_on, stand_at
from chassis.parts import CurrentParts, Running, application_of

clock_router = APIRouter(prefix="/internal/clock", include_in_schema=False)

AHEAD_MICROSECONDS_MAX = 100 * 366 * 86_400 * 1_000_000


def _administrator(principal: CurrentPrincipal) -> Principal:
    if not principal.is_administrator:
        raise WrongPrincipalError("the clock is the administrator's")
    return principal


async def _running(request: Request) -> Running:
    return application_of(request.scope).running


Administrator = Annotated[Principal, Depends(_administrator)]
CurrentRunning = Annotated[Running, Depends(_running)]


class Stop(BaseModel):
    """Where business time stands while a step runs."""

    at: AwareDatetime


class Lead(BaseModel):
    """How far business time runs ahead of the wall from now on."""

    ahead_microseconds: Annotated[int, Field(ge=0, le=AHEAD_MICROSECONDS_MAX)]


@clock_router.get("")
async def clock(_who: Administrator, running: CurrentRunning, now: Now) -> Response:
    """Business time, what is due when, and whether anything is under way.

    Asked in this order, so that what was done because of an answer shows in the next one.
    """
    schedules = business_schedules(running)
    due = await due_instants(running.bus_database, schedules)
    try:
        quiet = await look_whether_quiet(running.bus_database, running)
    except KafkaError as error:
        raise OutsideError(f"kafka: {error!r}") from error
    return JsonAnswer(
        {
            "now": now.isoformat(),
            "due": {name: at.isoformat() for name, at in due.items() if at is not None},
            "at_each_stop": [one.name for one in schedules if one.next_due is None],
            "outbox": quiet.outbox,
            "unread": quiet.unread,
            "mark": quiet.mark,
        }
    )


@clock_router.post("/stand")
async def stand(
    parts: CurrentParts, _who: Administrator, wall_now: WallNow, stop: Stop
) -> Response:
    """Stand at the instant, or where business time is, if that is later."""
    async with parts.database.transaction() as session:
        reached = await stand_at(session, stop.at, wall_now)
    await parts.business_clock.moved()  # at once for this process's schedules, too
    return JsonAnswer({"now": reached.isoformat()})


@clock_router.post("/run-due")
async def run(_who: Administrator, running: CurrentRunning, now: Now) -> Response:
    """Do what is due at the instant at which business time stands."""
    ran = await run_due(running.bus_database, business_schedules(running), now)
    return JsonAnswer({"ran": ran})


@clock_router.post("/go-on")
async def go_on(parts: CurrentParts, _who: Administrator, lead: Lead) -> Response:
    """Let business time run again."""
    async with parts.database.transaction() as session:
        await run_on(session, timedelta(microseconds=lead.ahead_microseconds))
    return JsonAnswer({"now": (await parts.business_clock.now()).isoformat()})
