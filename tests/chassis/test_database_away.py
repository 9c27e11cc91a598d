"""A request that meets no database: a short answer that invites to try again, and no traceback."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import asyncpg
import httpx
import pytest
from fastapi import APIRouter, Depends
from pydantic import SecretStr
from sqlalchemy import text
from starlette.responses import Response

from chassis import outbox
from chassis.app import basic_parts, service_app
from chassis.clock import wall_now
from chassis.database import Database
from chassis.failures import DatabaseAwayError
from chassis.identity import Principal
from chassis.parts import Parts, current_parts
from chassis.relay import Relay
from chassis.schedules import Schedule, run_schedule
from chassis.settings import ServiceSettings
from chassis.sideways import Sideways
from testkit.embedded.ports import free_port
from testkit.servers import PostgresServer
from tests.chassis.tally import create_schema, funds_moved, settings_for

PHONE = "13800001111"
NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
router = APIRouter()


@dataclass(frozen=True, slots=True, kw_only=True)
class AwayParts(Parts):
    """How the test ends the server's connections in the middle of a request."""

    end_all: Callable[[], None]


CurrentParts = Annotated[AwayParts, Depends(current_parts)]


@router.get("/api/things")
@router.get("/v2/things")
async def things(parts: CurrentParts, broken: bool = False) -> Response:
    async with parts.database.transaction() as session:
        statement = "SELEKT cast(:phone AS text)" if broken else "SELECT cast(:phone AS text)"
        await session.execute(text(statement), {"phone": PHONE})
    return Response("there")


READER = Principal("p", "solution_provider", "p")


async def _noticed(connection: asyncpg.Connection) -> None:
    """Until the driver knows that its connection is gone: it then speaks of a misuse."""
    async with asyncio.timeout(10):
        while True:
            try:
                if connection.is_closed():
                    return
            except asyncpg.InterfaceError:
                return
            await asyncio.sleep(0.01)


@router.get("/api/read")
async def read(parts: CurrentParts, how: str) -> Response:
    async with parts.database.read_as(READER) as connection:
        if how != "well":
            await asyncio.to_thread(parts.end_all)
        if how == "noticed":
            await _noticed(connection)
        await connection.fetchval("SELECT 1")
    return Response("there")


@router.get("/api/misuse")
async def misuse(parts: CurrentParts) -> Response:
    async with parts.database.read_as(READER) as connection:
        await connection.fetchval("SELECT $1::bigint", "no number")
    return Response("there")


@router.get("/api/lost")
async def lost(parts: CurrentParts) -> Response:
    async with parts.database.transaction() as session:
        await session.execute(text("SELECT 1"))
        await asyncio.to_thread(parts.end_all)
        await session.execute(text("SELECT 1"))
    return Response("there")


@router.get("/api/file")
async def file(parts: CurrentParts) -> Response:
    async with parts.database.transaction() as session:
        await session.execute(text("SELECT 1"))
        return Response(Path("/nowhere/at/all").read_bytes())  # noqa: ASYNC240


@router.get("/api/socket")
async def socket(parts: CurrentParts) -> Response:
    async with parts.database.read_as(READER):
        await asyncio.open_connection("127.0.0.1", free_port())
    return Response("there")


async def client_of(
    settings: ServiceSettings, end_all: Callable[[], None] = lambda: None
) -> AsyncIterator[httpx.AsyncClient]:
    parts = AwayParts(
        name="tally",
        settings=settings,
        wall_clock=wall_now,
        database=Database(settings, "tally"),
        sideways=Sideways(settings),
        end_all=end_all,
    )
    app = service_app(parts, routers=[router])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://tally") as client:
        yield client
    await app.parts.database.close()


@pytest.fixture
async def without() -> AsyncIterator[httpx.AsyncClient]:
    nobody = f"postgresql://a:b@127.0.0.1:{free_port()}"
    async for client in client_of(settings_for(nobody, "127.0.0.1:1", "away_")):
        yield client


async def test_on_our_paths_it_is_503_with_our_code(
    without: httpx.AsyncClient,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Break: do not register `away` in `install_error_answers`."""
    answer = await without.get("/api/things")
    assert (answer.status_code, answer.json()["code"]) == (503, "CHB.0503")
    assert answer.headers["content-type"] == "application/problem+json"
    written = capsys.readouterr().out + caplog.text  # wherever logs go in this session
    assert "database away" in written
    assert "Traceback" not in written


async def test_on_the_vendors_paths_it_is_500_as_the_vendor_knows_it(
    without: httpx.AsyncClient,
) -> None:
    answer = await without.get("/v2/things")
    assert (answer.status_code, answer.json()["error_code"]) == (500, "CBC.0999")


@pytest.mark.postgres
async def test_a_statement_that_is_wrong_stays_a_failure_of_ours(
    postgres_server: PostgresServer,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Break: answer every error of the database as its absence; drop `hide_parameters`."""
    postgres_server.create_database("there_tally")
    settings = settings_for(postgres_server.url, "127.0.0.1:1", "there_")
    await create_schema(settings)
    async for client in client_of(settings):
        assert (await client.get("/api/things")).text == "there"
        answer = await client.get("/api/things?broken=true")
        assert (answer.status_code, answer.json()["code"]) == (500, "CBC.0999")
    written = capsys.readouterr().out + caplog.text
    assert "SELEKT" in written
    assert PHONE not in written
    postgres_server.drop_database("there_tally")


@pytest.fixture
async def there(postgres_server: PostgresServer) -> AsyncIterator[httpx.AsyncClient]:
    """A database whose connections the application's `end_all` ends from outside."""
    postgres_server.drop_database("ended_tally")
    postgres_server.create_database("ended_tally")
    settings = settings_for(postgres_server.url, "127.0.0.1:1", "ended_")
    await create_schema(settings)

    def end_all() -> None:
        postgres_server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'ended_tally'"
        )

    async for client in client_of(settings, end_all):
        yield client
    postgres_server.drop_database("ended_tally")


@pytest.mark.postgres
@pytest.mark.parametrize("path", ["read?how=at+once", "read?how=noticed", "lost"])
async def test_a_connection_that_the_server_ends_counts_as_its_absence(
    there: httpx.AsyncClient,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    path: str,
) -> None:
    """Break: in `Database.read_as`, do not look whether the connection is lost."""
    answer = await there.get(f"/api/{path}")
    assert (answer.status_code, answer.json()["code"]) == (503, "CHB.0503")
    written = capsys.readouterr().out + caplog.text
    assert "database away" in written
    assert "Traceback" not in written
    assert (await there.get("/api/read?how=well")).text == "there"


@pytest.mark.postgres
async def test_what_the_server_ended_while_it_lay_idle_is_not_lent_again(
    there: httpx.AsyncClient,
) -> None:
    """Break: in `ConnectionPool._lent`, do not look whether it is closed."""
    app: Any = there._transport
    database: Database = app.app.parts.database
    async with database.transaction() as session:
        lent: Any = await (await session.connection()).get_raw_connection()
        idle = lent.driver_connection
    await asyncio.to_thread(app.app.parts.end_all)
    await _noticed(idle)
    assert (await there.get("/api/things")).text == "there"


@pytest.mark.postgres
@pytest.mark.parametrize("path", ["misuse", "file", "socket"])
async def test_a_mistake_of_ours_is_not_taken_for_its_absence(
    there: httpx.AsyncClient,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    path: str,
) -> None:
    """Break: let `says_away` count every `InterfaceError` or `OSError`."""
    answer = await there.get(f"/api/{path}")
    assert (answer.status_code, answer.json()["code"]) == (500, "CBC.0999")
    written = capsys.readouterr().out + caplog.text
    assert "Traceback" in written
    assert "database away" not in written


@pytest.mark.postgres
async def test_readers_that_are_closed_or_all_lent_out_count_as_its_absence(
    postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Break: let what `acquire` raises out of `_lent` as it is."""
    postgres_server.drop_database("lent_tally")
    postgres_server.create_database("lent_tally")
    settings = settings_for(postgres_server.url, "127.0.0.1:1", "lent_", database_readers_max=1)
    await create_schema(settings)
    database = Database(settings, "tally")
    async with database.read_as(READER):
        monkeypatch.setattr("chassis.database.LOAN_WAIT_SECONDS_MAX", 0.1)  # not for connecting
        with pytest.raises(DatabaseAwayError, match="TimeoutError"):
            async with database.read_as(READER):
                pass
    await database.close()
    with pytest.raises(DatabaseAwayError, match="closed"):
        async with database.read_as(READER):
            pass
    postgres_server.drop_database("lent_tally")


@pytest.mark.postgres
async def test_a_server_that_takes_leave_between_two_statements_counts_as_its_absence(
    postgres_server: PostgresServer,
) -> None:
    """The driver has read why, and not yet that the connection is closed.

    Break: leave `InternalClientError` out of what `Database.read_as` looks at.
    """
    postgres_server.drop_database("leave_tally")
    postgres_server.create_database("leave_tally")
    settings = settings_for(postgres_server.url, "127.0.0.1:1", "leave_")
    await create_schema(settings)
    database = Database(settings, "tally")
    fields = b"SFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"
    leave = b"E" + (len(fields) + 4).to_bytes(4, "big") + fields
    with pytest.raises(DatabaseAwayError):
        async with database.transaction() as session:
            connection = await session.connection()
            driver: Any = (await connection.get_raw_connection()).driver_connection
            driver._protocol.data_received(leave)
            await session.execute(text("SELECT 1"))
    with pytest.raises(DatabaseAwayError):
        async with database.read_as(READER) as reader:
            reader._con._protocol.data_received(leave)
            await reader.fetchval("SELECT 1")
    with pytest.raises(DatabaseAwayError):
        async with database.transaction() as session:
            outbox.publish(session, funds_moved("k", 1, NOW))
            connection = await session.connection()
            driver = (await connection.get_raw_connection()).driver_connection
            driver._protocol.data_received(leave)
    async with database.transaction() as session:  # what is out of step was not given back
        assert await session.scalar(text("SELECT count(*) FROM outbox")) == 0
    await database.close()
    postgres_server.drop_database("leave_tally")


async def test_a_server_that_is_not_there_is_named_alike_by_both_doors() -> None:
    """Break: drop the `except` of `_connect`."""
    nobody = f"postgresql://a:b@127.0.0.1:{free_port()}"
    database = Database(settings_for(nobody, "127.0.0.1:1", "away_"), "tally")
    with pytest.raises(DatabaseAwayError):
        async with database.transaction() as session:
            await session.execute(text("SELECT 1"))
    with pytest.raises(DatabaseAwayError):
        async with database.read_as(READER):
            pass
    await database.close()


async def test_a_relay_whose_connection_fell_out_of_step_begins_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its end would end the process. Break: do not catch `InternalClientError` in `Relay.run`."""
    served_again = asyncio.Event()
    failures = iter([asyncpg.InternalClientError("another operation (2) is in progress")])

    async def serve(_relay: Relay) -> None:
        for failure in failures:
            raise failure
        served_again.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(Relay, "_serve", serve)
    settings = settings_for(f"postgresql://a:b@127.0.0.1:{free_port()}", "127.0.0.1:1", "away_")
    relay = asyncio.create_task(Relay(settings, Database(settings, "tally"), "tally").run())
    await asyncio.wait_for(served_again.wait(), 60)
    relay.cancel()
    await asyncio.gather(relay, return_exceptions=True)


@pytest.mark.parametrize("mistake", [False, True])
async def test_a_schedule_that_meets_no_database_says_so_in_one_line(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, mistake: bool
) -> None:
    """Break: log every failure of a schedule alike."""
    nobody = f"postgresql://a:b@127.0.0.1:{free_port()}"
    parts = basic_parts("tally", settings_for(nobody, "127.0.0.1:1", "away_"))
    database = parts.database
    second = asyncio.Event()
    turns = iter([None, second.set])

    async def work(database: Database, _now: datetime) -> None:
        if told := next(turns, None):
            told()
        if mistake:
            raise ValueError("of ours")
        async with database.transaction() as session:
            await session.execute(text("SELECT 1"))

    running = asyncio.create_task(run_schedule(Schedule("look", 0.01, work), database, parts))
    await asyncio.wait_for(second.wait(), 60)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await database.close()
    written = capsys.readouterr().out + caplog.text
    assert "schedule failed" in written
    assert ("Traceback" in written) is mistake


def test_an_empty_variable_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Break: drop `env_ignore_empty`; the service would take nobody for its upstream."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://a:b@127.0.0.1:1")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setenv("INTERNAL_KEYS", "k:AAAA")
    monkeypatch.setenv("UPSTREAM_URL", "")
    assert not ServiceSettings().connected
    assert ServiceSettings().database_url == SecretStr("postgresql://a:b@127.0.0.1:1")
