"""How far behind each schedule is, looked at beside them: one that hangs is told of, too."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from chassis.business_clock import LONG_AGO
from chassis.clock_stops import due_instants
from chassis.database import Database
from chassis.failures import DatabaseAwayError
from chassis.logs import get_logger
from chassis.metrics import SCHEDULE_BEHIND
from chassis.parts import Parts
from chassis.schedules import AnySchedule, Runs, Schedule

log = get_logger(__name__)

LOOK_PAUSE_SECONDS = 15.0


def business(schedules: Sequence[AnySchedule]) -> list[Schedule]:
    """Those that go by business time: how far behind they are can be told without running them."""
    return [one for one in schedules if isinstance(one, Schedule)]


async def watch_schedules(
    schedules: Sequence[AnySchedule], database: Database, parts: Parts, runs: Runs | None = None
) -> None:
    """Until cancelled. `runs` is None where another process runs them."""
    began_at = parts.wall_clock()
    while True:
        await asyncio.sleep(LOOK_PAUSE_SECONDS)
        try:
            await look_at_schedules(schedules, database, parts, runs, began_at)
        except Exception:
            log.exception("schedules not looked at")


async def look_at_schedules(
    schedules: Sequence[AnySchedule],
    database: Database,
    parts: Parts,
    runs: Runs | None,
    began_at: datetime,
) -> None:
    """Tell it of each; what cannot be looked at is behind by its turn, which is overdue.

    A schedule that has not run yet counts from the process's begin.
    """
    due: dict[str, datetime | None] = {}
    now = wall_now = parts.wall_clock()
    try:
        now = await parts.business_clock.about_now()
        due = await due_instants(database, business(schedules))
    except DatabaseAwayError as error:
        log.warning("schedules not looked at", error=str(error))
    for one in schedules:
        ago = (wall_now - (runs or {}).get(one.name, began_at)).total_seconds()
        if one.name in due:
            behind = _waits(due[one.name], now, ago)
        elif runs is None:
            continue  # when it ran, its own process knows
        else:
            behind = ago - one.every_seconds
        SCHEDULE_BEHIND.labels(one.name).set(max(behind, 0.0))


def _waits(due: datetime | None, now: datetime, ago: float) -> float:
    """How long it has been due; what an event made due, nobody knows when, since the last run."""
    if due is None:
        return 0.0
    return ago if due == LONG_AGO else (now - due).total_seconds()
