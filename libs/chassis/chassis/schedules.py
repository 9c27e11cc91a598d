"""Work that comes with time: deadlines, sweeps of open attempts, pruning."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from chassis.clock import Clock
from chassis.database import Database
from chassis.failures import DatabaseAwayError
from chassis.logs import get_logger

log = get_logger(__name__)

Work = Callable[[Database, datetime], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Schedule:
    """Runs `work` on start and then every so many seconds.

    Several replicas run it at once: the work takes its rows by `FOR UPDATE SKIP LOCKED`, in bounded
    portions.
    """

    name: str
    every_seconds: float
    work: Work


async def run_schedule(schedule: Schedule, database: Database, clock: Clock) -> None:
    """Until cancelled. A failure is logged and the next turn comes as planned."""
    while True:
        try:
            await schedule.work(database, clock())
        except DatabaseAwayError as error:
            log.warning("schedule failed", schedule=schedule.name, error=str(error))
        except Exception:
            log.exception("schedule failed", schedule=schedule.name)
        await asyncio.sleep(schedule.every_seconds)
