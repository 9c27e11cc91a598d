"""Who waits for an event holds nothing that others, or the event itself, would need."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Body, Depends
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from chassis import copies, try_again
from chassis.app import service_app
from chassis.clock import wall_now
from chassis.database import Database, HttpSession
from chassis.errors import NotFoundError
from chassis.identity import Principal
from chassis.parts import Parts, ServiceApp, current_parts
from chassis.sideways import Sideways
from testkit.door import Door
from testkit.servers import PostgresServer
from tests.chassis.tally import Heard, create_schema, settings_for

pytestmark = pytest.mark.postgres
PREFIX = "waiting_"
AT_ONCE = 10
LONG_SECONDS = 60.0
router = APIRouter()


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingParts(Parts):
    """What the test looks at, and where it holds a request."""

    looks: list[bool] = field(default_factory=list)  # whether the request's own session looked
    held: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)


CurrentParts = Annotated[WaitingParts, Depends(current_parts)]


def known(key: str) -> Any:
    return select(Heard.id).where(Heard.key == key).limit(1)


@router.post("/api/names")
async def name(
    parts: CurrentParts, session: HttpSession, key: Annotated[str, Body(embed=True)]
) -> Response:
    session.add(Heard(key=f"names {key}", version=1, amount=Decimal("1.00")))
    await session.flush()

    async def look(asked: AsyncSession) -> int | None:
        parts.looks.append(asked is session)
        found: int | None = await asked.scalar(known(key))
        return found

    if await copies.until(session, look) is None:
        raise NotFoundError(key)
    return Response()


@router.get("/api/count")
async def count(session: HttpSession) -> Response:
    return Response(str(await session.scalar(select(func.count()).select_from(Heard))))


@router.post("/api/halves")
async def do_halves(parts: CurrentParts, key: Annotated[str, Body(embed=True)]) -> Response:
    database = parts.database
    async with database.transaction() as session:
        session.add(Heard(key="first half", version=1, amount=Decimal("1.00")))
    async with database.transaction() as session:
        found = await copies.until(session, lambda asked: asked.scalar(known(key)))
    return Response(str(found is not None))


@router.post("/api/hold")
async def hold(parts: CurrentParts, session: HttpSession) -> Response:
    await session.execute(select(1))
    parts.held.set()
    await parts.released.wait()
    return Response()


@pytest.fixture
async def app(postgres_server: PostgresServer) -> AsyncIterator[ServiceApp[WaitingParts]]:
    """A service whose requests share one connection."""
    postgres_server.drop_database(f"{PREFIX}tally")
    postgres_server.create_database(f"{PREFIX}tally")
    settings = settings_for(
        postgres_server.url,
        "127.0.0.1:1",
        PREFIX,
        bus_enabled=False,
        database_pool_size=1,
        database_pool_overflow=0,
    )
    await create_schema(settings)
    parts = WaitingParts(
        name="tally",
        settings=settings,
        wall_clock=wall_now,
        database=Database(settings, "tally"),
        sideways=Sideways(settings),
    )
    made = service_app(parts, routers=[router])
    async with made.router.lifespan_context(made):
        yield made
    postgres_server.drop_database(f"{PREFIX}tally")


async def ask(
    app: ServiceApp[WaitingParts], who: str, method: str, path: str, key: str | None = None
) -> httpx.Response:
    body = None if key is None else {"key": key}
    async with Door.of(app, Principal(who, "solution_provider", who)) as door:
        return await door.send(method, path, body)


def ask_at_once(
    app: ServiceApp[WaitingParts], who: str, times: int
) -> list[asyncio.Task[httpx.Response]]:
    asked = [ask(app, who, "POST", "/api/names", "late") for _ in range(times)]
    return [asyncio.create_task(one) for one in asked]


async def all_have_looked(app: ServiceApp[WaitingParts], times: int) -> None:
    async with asyncio.timeout(60):
        while sum(app.parts.looks) < times:
            await asyncio.sleep(0.01)


async def bring(app: ServiceApp[WaitingParts], key: str) -> None:
    """As a consumer does: by a connection that no request can take."""
    async with app.running.bus_database.transaction() as session:
        session.add(Heard(key=key, version=1, amount=Decimal("1.00")))


async def test_others_read_at_once_while_one_waits_for_what_nobody_knows(
    app: ServiceApp[WaitingParts], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Break: in `copies.until`, wait where it is."""
    monkeypatch.setattr(copies, "WAIT_SECONDS", LONG_SECONDS)
    waiting = ask_at_once(app, "one", AT_ONCE)
    await all_have_looked(app, AT_ONCE)
    for _ in range(AT_ONCE):
        assert (await ask(app, "other", "GET", "/api/count")).text == "0"
    assert not any(asked.done() for asked in waiting)
    await bring(app, "late")
    answers = await asyncio.gather(*waiting)
    assert [answer.status_code for answer in answers] == [200] * AT_ONCE
    assert (await ask(app, "other", "GET", "/api/count")).text == str(1 + AT_ONCE)


async def test_an_account_has_so_many_seats_to_wait_and_no_more(
    app: ServiceApp[WaitingParts], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Break: do not look at `WAITING_PER_ACCOUNT_MAX`."""
    monkeypatch.setattr(copies, "WAIT_SECONDS", LONG_SECONDS)
    seats = try_again.WAITING_PER_ACCOUNT_MAX
    waiting = ask_at_once(app, "one", seats)
    await all_have_looked(app, seats)
    refused = await ask(app, "one", "POST", "/api/names", "late")
    assert (refused.status_code, refused.json()["code"]) == (429, "APIGW.0308")
    other = ask_at_once(app, "other", 1)
    await bring(app, "late")
    answers = await asyncio.gather(*waiting, *other)
    assert {answer.status_code for answer in answers} == {200}
    assert (await ask(app, "one", "POST", "/api/names", "late")).status_code == 200


async def test_what_never_comes_is_refused_when_the_wait_is_over(
    app: ServiceApp[WaitingParts], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was written, and it was begun again once. Break: do not set `waited_out`."""
    monkeypatch.setattr(copies, "WAIT_SECONDS", 0.3)
    answer = await ask(app, "one", "POST", "/api/names", "never")
    assert (answer.status_code, answer.json()["code"]) == (404, "CHB.0404")
    assert sum(app.parts.looks) == 2
    assert (await ask(app, "one", "GET", "/api/count")).text == "0"


async def test_who_has_committed_a_part_waits_where_it_is(
    app: ServiceApp[WaitingParts], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Break: do not look at `can_begin_anew`."""
    monkeypatch.setattr(copies, "WAIT_SECONDS", LONG_SECONDS)
    halves = asyncio.create_task(ask(app, "one", "POST", "/api/halves", "late"))
    async with asyncio.timeout(60):
        while await heard(app) == 0:
            await asyncio.sleep(0.01)
    await bring(app, "late")
    assert (await halves).text == "True"
    assert await heard(app) == 2


async def heard(app: ServiceApp[WaitingParts]) -> int:
    async with app.running.bus_database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(Heard)) or 0


async def test_the_bus_has_connections_that_no_request_takes(app: ServiceApp[WaitingParts]) -> None:
    """Break: give `bus` the requests' `Database`."""
    holding = asyncio.create_task(ask(app, "one", "POST", "/api/hold"))
    await app.parts.held.wait()
    await asyncio.wait_for(bring(app, "meanwhile"), 5)
    app.parts.released.set()
    assert (await holding).status_code == 200
