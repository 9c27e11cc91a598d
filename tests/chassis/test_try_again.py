"""What is transient by type is tried again once at the door, and nothing is done twice."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Body, Request
from sqlalchemy import select, text
from starlette.responses import Response

from chassis.app import service_app
from chassis.database import HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import HEADER, Principal, sign_identity
from chassis.settings import ServiceSettings
from testkit.servers import PostgresServer
from tests.chassis.tally import Heard, create_schema, settings_for

pytestmark = pytest.mark.postgres
PREFIX = "again_"
AT_ONCE = 4
PARTNER = Principal("p", "solution_provider", "p")
router = APIRouter()


@router.post("/api/heard")
async def hear(
    session: HttpSession, idempotency: CurrentIdempotency, key: Annotated[str, Body(embed=True)]
) -> Response:
    known = (await session.scalars(select(Heard).where(Heard.key == key))).all()
    session.add(Heard(key=key, version=len(known) + 1, amount=Decimal("1.00")))
    return await idempotency.answer(201, {"version": len(known) + 1})


@router.get("/api/read")
async def read(request: Request) -> Response:
    async with request.app.state.database.read_as(PARTNER) as connection:
        return Response(str(len(await connection.fetch("SELECT * FROM heard"))))


@router.post("/api/halves")
async def do_halves(request: Request) -> Response:
    """The first half is committed when the second one fails."""
    async with request.app.state.database.transaction() as session:
        await session.execute(text("SELECT * FROM heard"))
        session.add(Heard(key="first", version=1, amount=Decimal("1.00")))
    await asyncio.to_thread(request.app.state.alter, "integer")
    async with request.app.state.database.transaction() as session:
        await session.execute(text("SELECT * FROM heard"))
    return Response()


@router.post("/api/locks")
async def lock(request: Request, first: str, second: str) -> Response:
    """Two of these in opposite orders lock each other out, when both have the first one."""
    async with request.app.state.database.transaction() as session:
        taking = text("UPDATE heard SET version = version + 1 WHERE key = :key")
        await session.execute(taking, {"key": first})
        request.app.state.tries.append(first)
        if len(request.app.state.tries) == 2:
            request.app.state.both.set()
        await request.app.state.both.wait()
        await session.execute(taking, {"key": second})
    return Response()


@pytest.fixture
async def client(postgres_server: PostgresServer) -> AsyncIterator[httpx.AsyncClient]:
    postgres_server.drop_database(f"{PREFIX}tally")
    postgres_server.create_database(f"{PREFIX}tally")
    settings = settings_for(postgres_server.url, "127.0.0.1:1", PREFIX, bus_enabled=False)
    await create_schema(settings)
    app = service_app("tally", settings, routers=[router])
    app.state.tries, app.state.both = [], asyncio.Event()

    def alter(kind: str) -> None:
        postgres_server.execute(
            f"ALTER TABLE heard ALTER COLUMN version TYPE {kind}", f"{PREFIX}tally"
        )

    app.state.alter = alter
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://tally") as client,
    ):
        yield client
    postgres_server.drop_database(f"{PREFIX}tally")


async def heard(client: httpx.AsyncClient, settings: ServiceSettings, key: str) -> httpx.Response:
    """Ask as the gateway would, under an idempotency key of the same name."""
    body = f'{{"key":"{key}"}}'.encode()
    identity = sign_identity(settings.keys, PARTNER, "POST", "/api/heard", body)
    headers = {HEADER: identity, "Idempotency-Key": key, "Content-Type": "application/json"}
    return await client.post("/api/heard", content=body, headers=headers)


async def hear_at_once(client: httpx.AsyncClient, prefix: str) -> list[tuple[int, object]]:
    settings = settings_for("postgresql://unused", "unused", PREFIX)
    keys = [f"{prefix}{number}" for number in range(AT_ONCE)]
    answers = await asyncio.gather(*(heard(client, settings, key) for key in keys))
    return [(answer.status_code, answer.json()) for answer in answers]


def alter(client: httpx.AsyncClient, kind: str) -> None:
    client._transport.app.state.alter(kind)  # type: ignore[attr-defined]


async def test_a_column_s_type_changed_under_a_service_costs_no_request(
    client: httpx.AsyncClient,
) -> None:
    """Its transaction rolled back, its key too. Break: leave `TryAgain` out of `service_app`."""
    done = [(201, {"version": 1})] * AT_ONCE
    assert await hear_at_once(client, "before") == done
    await asyncio.to_thread(alter, client, "integer")
    assert await hear_at_once(client, "after") == done
    assert await hear_at_once(client, "after") == done  # as they were answered: nothing is new
    assert (await client.get("/api/read")).text == str(2 * AT_ONCE)
    await asyncio.to_thread(alter, client, "bigint")
    reads = await asyncio.gather(*(client.get("/api/read") for _ in range(AT_ONCE)))
    assert [answer.text for answer in reads] == [str(2 * AT_ONCE)] * AT_ONCE


async def test_what_was_committed_in_part_is_not_begun_again(client: httpx.AsyncClient) -> None:
    """The caller may ask again. Break: do not look at `committed`."""
    answer = await client.post("/api/halves")
    assert (answer.status_code, answer.json()["code"]) == (503, "CHB.0503")
    assert (await client.get("/api/read")).text == "1"


async def test_of_two_that_lock_each_other_out_both_are_done(client: httpx.AsyncClient) -> None:
    """Break: leave 40P01 out of `_OVERLAPS`."""
    await hear_at_once(client, "k")
    asked = [("k0", "k1"), ("k1", "k0")]
    answers = await asyncio.gather(
        *(client.post(f"/api/locks?first={first}&second={second}") for first, second in asked)
    )
    assert [answer.status_code for answer in answers] == [200, 200]
    tries = client._transport.app.state.tries  # type: ignore[attr-defined]
    assert len(tries) == 3
