"""A database that failed over costs time only: nothing stays on what takes no writes any more."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from decimal import Decimal

import asyncpg
import httpx
import pytest
from fastapi import APIRouter, Request
from sqlalchemy import select
from starlette.responses import Response

from chassis import outbox
from chassis.app import basic_parts, service_app
from chassis.database import Database
from chassis.identity import Principal
from chassis.settings import ServiceSettings
from testkit.servers import PostgresServer
from tests.chassis.tally import Heard, create_schema, funds_moved, settings_for

PREFIX = "failover_"
AT_ONCE = 6
NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
READER = Principal("p", "solution_provider", "p")
FOLLOWED = {"wal_level": "replica", "max_wal_senders": "4", "hot_standby": "on"}
# A commit here does not wait for its log to be written: until then nobody can have it sent.
_WRITE_ALL = "SELECT pg_logical_emit_message(false, 'test', 'all before it', true)::text"
_HAS_REPLAYED = "SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn"
router = APIRouter()


@router.post("/api/things")
@router.post("/v2/things")
async def write(request: Request) -> Response:
    async with request.app.parts.database.transaction() as session:
        session.add(Heard(key="k", version=1, amount=Decimal("1.00")))
    return Response()


@router.post("/api/facts")
async def state(request: Request) -> Response:
    async with request.app.parts.database.transaction() as session:
        outbox.publish(session, funds_moved("k", 1, NOW))
    return Response()


@router.get("/api/port")
async def port(request: Request) -> Response:
    async with request.app.parts.database.read_as(READER) as connection:
        return Response(str(await connection.fetchval("SELECT inet_server_port()")))


class Pair:
    """A primary and the standby that follows it, under one URL that names both."""

    def __init__(self) -> None:
        self.primary = PostgresServer.private(FOLLOWED, in_memory=True)
        self.primary.create_database(f"{PREFIX}tally")
        asyncio.run(create_schema(self.settings(self.primary.url)))
        self.standby = self.primary.standby()

    def settings(self, url: str) -> ServiceSettings:
        return settings_for(url, "127.0.0.1:1", PREFIX, bus_enabled=False)

    @property
    def url(self) -> str:
        return f"{self.primary.url},{self.standby.url.rpartition('@')[2]}"

    def demote(self) -> None:
        """Let the primary refuse writes; who is connected stays, and finds out by writing."""
        self.primary.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        self.primary.execute("SELECT pg_reload_conf()")

    async def promote(self) -> None:
        """Let the standby take writes, once it has all that the primary took."""
        primary = await asyncpg.connect(self.primary.database_url("postgres"))
        standby = await asyncpg.connect(self.standby.database_url("postgres"))
        written = await primary.fetchval(_WRITE_ALL)
        async with asyncio.timeout(60):
            while not await standby.fetchval(_HAS_REPLAYED, written):
                await asyncio.sleep(0.02)
        await standby.execute("SELECT pg_promote()")
        await primary.close()
        await standby.close()

    def close(self) -> None:
        self.standby.close()
        self.primary.close()


READY = "http://ops/readyz"


@pytest.fixture
def pair() -> Iterator[Pair]:
    made = Pair()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
async def client(pair: Pair) -> AsyncIterator[httpx.AsyncClient]:
    """A service that serves, all of its connections open to the primary."""
    app = service_app(basic_parts("tally", pair.settings(pair.url)), routers=[router])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    mounts = {"all://ops": httpx.ASGITransport(app.ops)}
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, mounts=mounts, base_url="http://tally") as client,
    ):
        assert await at_once(client, "POST", "/api/things") == [200] * AT_ONCE
        assert await at_once(client, "GET", "/api/port") == [200] * AT_ONCE
        assert (await client.get(READY)).status_code == 200
        yield client


async def at_once(client: httpx.AsyncClient, method: str, path: str) -> list[int]:
    answers = await asyncio.gather(*(client.request(method, path) for _ in range(AT_ONCE)))
    return [answer.status_code for answer in answers]


async def refused(client: httpx.AsyncClient, method: str, path: str) -> int:
    """Ask until the session that answers has read its new settings; how often it still did."""
    done = 0
    async with asyncio.timeout(60):
        while (answer := await client.request(method, path)).status_code == 200:
            done += 1
    assert answer.status_code == 503
    return done


async def accepted(client: httpx.AsyncClient, method: str, path: str) -> None:
    """After a while, however loaded the machine is, and from then on for all."""
    async with asyncio.timeout(60):
        while (await client.request(method, path)).status_code != 200:
            await asyncio.sleep(0.05)
    assert await at_once(client, method, path) == [200] * AT_ONCE


async def has_heard(pair: Pair) -> int:
    database = Database(pair.settings(pair.standby.url), "tally")
    async with database.transaction() as session:
        found = len((await session.scalars(select(Heard))).all())
    await database.close()
    return found


async def test_after_a_failover_nothing_stays_on_what_takes_no_writes(
    pair: Pair, client: httpx.AsyncClient
) -> None:
    """Break: leave READ_ONLY out of `_GONE`, or the generation out of `ConnectionPool._lent`."""
    await asyncio.to_thread(pair.demote)
    before = AT_ONCE + await refused(client, "POST", "/api/things")
    answer = await client.post("/api/things")
    assert (answer.status_code, answer.json()["code"]) == (503, "CHB.0503")
    answer = await client.post("/v2/things")
    assert (answer.status_code, answer.json()["error_code"]) == (500, "CBC.0999")
    assert (await client.get(READY)).status_code == 503
    await pair.promote()
    await accepted(client, "POST", "/api/things")
    assert (await client.get(READY)).status_code == 200
    assert (await client.get("/api/port")).text == pair.standby.url.rpartition(":")[2]
    assert await has_heard(pair) == before + 1 + AT_ONCE


async def test_one_probe_of_readiness_is_enough_to_leave_it(
    pair: Pair, client: httpx.AsyncClient
) -> None:
    """Nobody writes: who reads would read the past for ever. Break: ask `SELECT 1` in `/readyz`."""
    await asyncio.to_thread(pair.demote)
    await refused(client, "GET", READY)
    await pair.promote()
    await accepted(client, "GET", READY)
    ports = await asyncio.gather(*(client.get("/api/port") for _ in range(AT_ONCE)))
    assert {answer.text for answer in ports} == {pair.standby.url.rpartition(":")[2]}
    assert await at_once(client, "POST", "/api/things") == [200] * AT_ONCE


async def test_a_fact_that_meets_a_read_only_server_renews_the_pool_as_well(
    pair: Pair, client: httpx.AsyncClient
) -> None:
    """It is written past SQLAlchemy. Break: do not renew in `Database.transaction`."""
    await asyncio.to_thread(pair.demote)
    await refused(client, "POST", "/api/facts")
    await pair.promote()
    await accepted(client, "POST", "/api/facts")
