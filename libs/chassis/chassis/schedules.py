"""Work that comes with time: deadlines, sweeps of open attempts, pruning."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.database import Database
from chassis.failures import DatabaseAwayError
from chassis.logs import get_logger
from chassis.metrics import SCHEDULE_FAILURES, SCHEDULE_LAST_SUCCESS
from chassis.parts import Parts

log = get_logger(__name__)

Work = Callable[[Database, datetime], Awaitable[None]]
NextDue = Callable[[AsyncSession], Awaitable[datetime | None]]


@dataclass(frozen=True, slots=True)
class Schedule:
    """Runs `work` on start and then every so many seconds, by business time.

    Several replicas run it at once: the work takes its rows by `FOR UPDATE SKIP LOCKED`, in bounded
    portions.

    `next_due` says from when on the work finds something, in the words of its own query: business
    time that is moved ahead stops there. Without it the work is done at each stop. `at_a_stop` is
    what is done there in place of a `work` that spares itself some of its turns.
    """

    name: str
    every_seconds: float
    work: Work
    next_due: NextDue | None = None
    at_a_stop: Work | None = None


@dataclass(frozen=True, slots=True)
class WallSchedule:
    """Like a schedule, by wall time: pruning, leases, what nobody may move ahead."""

    name: str
    every_seconds: float
    work: Work


AnySchedule = Schedule | WallSchedule


Runs = dict[str, datetime]
"""When each schedule last ran to its end, by the wall."""


async def run_schedule(
    schedule: AnySchedule, database: Database, parts: Parts, runs: Runs | None = None
) -> None:
    """Until cancelled; `runs` is kept. A failure is logged, and the next turn comes as planned."""
    while True:
        try:
            now = parts.wall_clock()
            if isinstance(schedule, Schedule):
                now = await parts.business_clock.about_now()
            await schedule.work(database, now)
        except DatabaseAwayError as error:
            SCHEDULE_FAILURES.labels(schedule.name).inc()
            log.warning("schedule failed", schedule=schedule.name, error=str(error))
        except Exception:
            SCHEDULE_FAILURES.labels(schedule.name).inc()
            log.exception("schedule failed", schedule=schedule.name)
        else:
            _note_success(schedule, parts, runs)
        await asyncio.sleep(schedule.every_seconds)


def _note_success(schedule: AnySchedule, parts: Parts, runs: Runs | None) -> None:
    ended_at = parts.wall_clock()
    SCHEDULE_LAST_SUCCESS.labels(schedule.name).set(ended_at.timestamp())
    if runs is not None:
        runs[schedule.name] = ended_at
