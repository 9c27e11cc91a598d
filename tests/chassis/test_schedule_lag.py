"""A schedule says when it last ran, and how far behind it is, whatever it does meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import Counter, Gauge

from chassis.business_clock import LONG_AGO
from chassis.failures import DatabaseAwayError
from chassis.metrics import SCHEDULE_BEHIND, SCHEDULE_FAILURES, SCHEDULE_LAST_SUCCESS
from chassis.schedule_lag import look_at_schedules
from chassis.schedules import AnySchedule, Schedule, WallSchedule, run_schedule
from testkit.clock import NOON, StandingClock

MINUTE = timedelta(minutes=1)


class Played:
    """A database that nothing is read from, or that is away."""

    is_away = False

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        if self.is_away:
            raise DatabaseAwayError("gone")
        yield


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock(NOON)


@pytest.fixture
def parts(clock: StandingClock) -> Any:
    async def now() -> datetime:
        return clock.now

    return SimpleNamespace(wall_clock=clock, business_clock=SimpleNamespace(about_now=now))


def told(metric: Counter | Gauge, schedule: str) -> float:
    return float(metric.labels(schedule)._value.get())


async def nothing(_database: Any, _now: datetime) -> None:
    """A turn that finds nothing to do."""


def due_at(name: str, at: datetime | None) -> Schedule:
    async def due(_session: Any) -> datetime | None:
        return at

    return Schedule(name, 30.0, nothing, due)


async def look(clock: StandingClock, parts: Any, *schedules: AnySchedule, **runs: datetime) -> None:
    database: Any = Played()
    await look_at_schedules(schedules, database, parts, runs, clock.now - 10 * MINUTE)


async def test_what_is_due_says_how_far_behind(clock: StandingClock, parts: Any) -> None:
    """Break: measure from the last run, or count what is due in an hour."""
    late, idle = due_at("late", NOON - 20 * MINUTE), due_at("idle", None)
    ahead = due_at("ahead", NOON + 20 * MINUTE)
    await look(clock, parts, late, idle, ahead, late=NOON)
    assert [told(SCHEDULE_BEHIND, one) for one in ("late", "idle", "ahead")] == [1200, 0, 0]


async def test_what_cannot_say_what_is_due_is_behind_by_its_turn(
    clock: StandingClock, parts: Any
) -> None:
    """Also before its first turn. Break: leave out `every_seconds`."""
    hourly, never = WallSchedule("hourly", 3600.0, nothing), WallSchedule("never", 60.0, nothing)
    orphans = due_at("orphans", LONG_AGO)
    runs = {"hourly": NOON - 70 * MINUTE, "orphans": NOON - 2 * MINUTE}
    await look(clock, parts, hourly, never, orphans, **runs)
    names = ("hourly", "never", "orphans")
    assert [told(SCHEDULE_BEHIND, one) for one in names] == [600, 540, 120]


async def test_without_its_database_a_schedule_is_behind_all_the_same(parts: Any) -> None:
    """Break: let the failure of the look pass by."""
    database: Any = Played()
    database.is_away = True
    one = due_at("cut off", None)
    await look_at_schedules([one], database, parts, {"cut off": NOON - 5 * MINUTE}, NOON)
    assert told(SCHEDULE_BEHIND, "cut off") == 270


async def test_a_process_that_runs_none_tells_what_is_due_alone(parts: Any) -> None:
    """Of an API process. Break: tell of the turns that it does not take."""
    late, hourly = due_at("late there", NOON - MINUTE), WallSchedule("elsewhere", 60.0, nothing)
    database: Any = Played()
    await look_at_schedules([late, hourly], database, parts, None, NOON - 10 * MINUTE)
    assert told(SCHEDULE_BEHIND, "late there") == 60
    assert ("elsewhere",) not in SCHEDULE_BEHIND._metrics
    database.is_away = True
    await look_at_schedules([late], database, parts, None, NOON - 10 * MINUTE)
    assert told(SCHEDULE_BEHIND, "late there") == 60


async def test_a_turn_that_fails_is_no_success(clock: StandingClock, parts: Any) -> None:
    """Break: note the success in a `finally`."""
    turns: list[datetime] = []

    async def work(_database: Any, now: datetime) -> None:
        turns.append(now)
        if len(turns) > 1:
            raise ValueError("the second turn")

    schedule, runs = Schedule("fails later", 0.0, work), dict[str, datetime]()
    running = asyncio.create_task(run_schedule(schedule, Played(), parts, runs))  # type: ignore[arg-type]
    while not turns:
        await asyncio.sleep(0)
    clock.forward(minutes=1)
    while told(SCHEDULE_FAILURES, "fails later") < 2:
        await asyncio.sleep(0)
    running.cancel()
    assert runs == {"fails later": NOON}
    assert told(SCHEDULE_LAST_SUCCESS, "fails later") == NOON.timestamp()
