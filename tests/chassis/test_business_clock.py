"""Business time is ahead of the wall by what it was moved, in every replica at once."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
from fastapi import APIRouter
from pydantic import ValidationError
from sqlalchemy import select, text
from starlette.responses import Response

from chassis.answers import JsonAnswer
from chassis.app import basic_parts, service_app
from chassis.clock import Now, WallNow
from chassis.database import Database
from chassis.failures import DatabaseAwayError
from chassis.idempotency import prune_idempotency_keys
from chassis.move_clock import business_now, run_on, stand_at
from chassis.parts import Parts
from chassis.schedules import Schedule, WallSchedule, Work, run_schedule
from chassis.settings import ServiceSettings
from chassis.tables import IdempotencyKey
from testkit.clock import NOON, StandingClock
from testkit.door import Door
from testkit.servers import PostgresServer
from tests.chassis.tally import create_schema, settings_for

pytestmark = pytest.mark.postgres
PREFIX = "ahead_"
DAY, YEAR = timedelta(days=1), timedelta(days=365)
router = APIRouter()


@router.get("/internal/both")
async def both(now: Now, wall_now: WallNow) -> Response:
    return JsonAnswer({"business": now.isoformat(), "wall": wall_now.isoformat()})


@pytest.fixture
async def settings(postgres_server: PostgresServer) -> AsyncIterator[ServiceSettings]:
    postgres_server.drop_database(f"{PREFIX}tally")
    postgres_server.create_database(f"{PREFIX}tally")
    found = settings_for(
        postgres_server.url, "127.0.0.1:1", PREFIX, bus_enabled=False, sandbox=True
    )
    await create_schema(found)
    yield found
    postgres_server.drop_database(f"{PREFIX}tally")


@pytest.fixture
def wall() -> StandingClock:
    return StandingClock()


@pytest.fixture
async def parts(settings: ServiceSettings, wall: StandingClock) -> AsyncIterator[Parts]:
    made = basic_parts("tally", settings, wall)
    yield made
    await made.business_clock.close()
    await made.database.close()


async def stand(database: Database, at: datetime, wall: datetime) -> datetime:
    async with database.transaction() as session:
        return await stand_at(session, at, wall)


async def go_on(database: Database, ahead: timedelta) -> None:
    async with database.transaction() as session:
        await run_on(session, ahead)


async def test_it_stands_while_a_step_runs_and_goes_on_from_there(
    parts: Parts, wall: StandingClock
) -> None:
    clock, database = parts.business_clock, parts.database
    assert await clock.now() == NOON

    assert await stand(database, NOON + DAY, wall()) == NOON + DAY
    wall.forward(seconds=5)
    assert await clock.now() == NOON + DAY

    await go_on(database, DAY - timedelta(seconds=5))
    assert await clock.now() == NOON + DAY
    wall.forward(hours=1)
    assert await clock.now() == NOON + DAY + timedelta(hours=1)


async def test_it_never_goes_back(parts: Parts, wall: StandingClock) -> None:
    """Break: let `stand_at` take the instant that it is given, or `run_on` the lead."""
    clock, database = parts.business_clock, parts.database
    await stand(database, NOON + YEAR, wall())
    assert await stand(database, NOON + DAY, wall()) == NOON + YEAR
    await go_on(database, YEAR)
    wall.forward(seconds=-30)  # a replica whose wall lags behind
    assert await clock.now() == NOON + YEAR
    wall.forward(hours=1, seconds=30)
    await go_on(database, DAY)
    assert await clock.now() == NOON + YEAR + timedelta(hours=1)


async def test_what_is_told_once_every_replica_knows(
    parts: Parts, settings: ServiceSettings, wall: StandingClock
) -> None:
    """Break: keep what was read for a second."""
    other = basic_parts("tally", settings, wall)
    assert await other.business_clock.now() == NOON
    await stand(parts.database, NOON + YEAR, wall())
    assert await other.business_clock.now() == NOON + YEAR
    await other.business_clock.close()
    await other.database.close()


async def test_sql_says_the_same(parts: Parts, wall: StandingClock) -> None:
    async with parts.database.transaction() as session:
        assert await session.scalar(select(business_now() == text("now()")))
        told = await stand_at(session, NOON + YEAR, wall())
        assert await session.scalar(select(business_now())) == told
        await run_on(session, 2 * YEAR)
        ahead = await session.scalar(select(business_now() - text("now()")))
        assert ahead == 2 * YEAR


async def test_a_door_hears_both_clocks(parts: Parts, wall: StandingClock) -> None:
    app = service_app(parts, routers=[router])
    await stand(parts.database, NOON + YEAR, wall())
    async with Door.of(app) as door:
        answer = await door.get("/internal/both")
    assert answer.json() == {"business": (NOON + YEAR).isoformat(), "wall": NOON.isoformat()}


async def test_schedules_are_handed_the_time_of_their_kind(
    parts: Parts, wall: StandingClock
) -> None:
    """Break: hand every schedule the wall's."""
    await stand(parts.database, NOON + YEAR, wall())
    heard: dict[str, datetime] = {}

    class DoneError(BaseException):
        """Ends the endless loop after one turn."""

    def noting(name: str) -> Work:
        async def work(_database: Database, now: datetime) -> None:
            heard[name] = now
            raise DoneError

        return work

    for schedule in (Schedule("a", 1, noting("business")), WallSchedule("b", 1, noting("wall"))):
        with pytest.raises(DoneError):
            await run_schedule(schedule, parts.database, parts)
    assert heard == {"business": NOON + YEAR, "wall": NOON}


async def test_a_key_outlives_a_jump(parts: Parts, wall: StandingClock) -> None:
    """A client repeats by the wall: its key is kept for a day of the wall."""
    wall.now = datetime.now(NOON.tzinfo)
    async with parts.database.transaction() as session:
        session.add(IdempotencyKey(principal="p", key="k", fingerprint="f"))
    await stand(parts.database, wall() + YEAR, wall())
    await prune_idempotency_keys(parts.database, parts.wall_clock())
    async with parts.database.transaction() as session:
        assert await session.scalar(select(IdempotencyKey.key)) == "k"


async def test_without_sandbox_nobody_is_asked(wall: StandingClock) -> None:
    """Break: give the clock its connector always."""
    parts = basic_parts("tally", settings_for("postgresql://a:b@127.0.0.1:1", "x:1", "n_"), wall)
    assert await parts.business_clock.now() == NOON
    await parts.database.close()


async def test_a_clock_that_cannot_be_read_says_so(wall: StandingClock) -> None:
    away = settings_for("postgresql://a:b@127.0.0.1:1", "x:1", "n_", sandbox=True)
    parts = basic_parts("tally", away, wall)
    with pytest.raises(DatabaseAwayError):
        await parts.business_clock.now()
    await parts.database.close()


def test_a_connected_system_is_no_sandbox() -> None:
    settings_for("postgresql://a:b@h:1", "x:1", "n_", upstream_url="http://up")
    with pytest.raises(ValidationError, match="standalone"):
        settings_for("postgresql://a:b@h:1", "x:1", "n_", upstream_url="http://up", sandbox=True)
