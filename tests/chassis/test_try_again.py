"""What is transient by type is tried again once at the door, and nothing is done twice."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated

import pytest
from fastapi import APIRouter, Body, Depends
from sqlalchemy import select, text
from starlette.responses import Response

from chassis.app import service_app
from chassis.clock import wall_now
from chassis.database import Database, HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import Principal
from chassis.parts import Parts, current_parts
from chassis.sideways import Sideways
from testkit.door import Door
from testkit.servers import PostgresServer
from tests.chassis.tally import Heard, create_schema, settings_for

pytestmark = pytest.mark.postgres
PREFIX = "again_"
AT_ONCE = 4
PARTNER = Principal("p", "solution_provider", "p")
router = APIRouter()


@dataclass(frozen=True, slots=True, kw_only=True)
class TryingParts(Parts):
    """What happens in the middle of a request, and how often one was begun."""

    alter: Callable[[str], None]  # the type of a column
    tries: list[str] = field(default_factory=list)
    both: asyncio.Event = field(default_factory=asyncio.Event)


CurrentParts = Annotated[TryingParts, Depends(current_parts)]


@router.post("/api/heard", status_code=201)
async def hear(
    session: HttpSession, idempotency: CurrentIdempotency, key: Annotated[str, Body(embed=True)]
) -> Response:
    known = (await session.scalars(select(Heard).where(Heard.key == key))).all()
    session.add(Heard(key=key, version=len(known) + 1, amount=Decimal("1.00")))
    return await idempotency.answer({"version": len(known) + 1})


@router.get("/api/read")
async def read(parts: CurrentParts) -> Response:
    async with parts.database.read_as(PARTNER) as connection:
        return Response(str(len(await connection.fetch("SELECT * FROM heard"))))


@router.post("/v2/heard")
async def hear_as_the_vendor(session: HttpSession) -> Response:
    await session.scalar(select(Heard.version).limit(1))
    return Response()


@router.post("/api/forbidden")
async def do_what_is_forbidden(session: HttpSession) -> Response:
    await session.execute(text("SELECT * FROM outbox"))
    return Response()


@router.post("/api/halves")
async def do_halves(parts: CurrentParts) -> Response:
    """The first half is committed when the second one fails."""
    async with parts.database.transaction() as session:
        await session.execute(text("SELECT * FROM heard"))
        session.add(Heard(key="first", version=1, amount=Decimal("1.00")))
    await asyncio.to_thread(parts.alter, "integer")
    async with parts.database.transaction() as session:
        await session.execute(text("SELECT * FROM heard"))
    return Response()


@router.post("/api/locks")
async def lock(parts: CurrentParts, first: str, second: str) -> Response:
    """Two of these in opposite orders lock each other out, when both have the first one."""
    async with parts.database.transaction() as session:
        taking = text("UPDATE heard SET version = version + 1 WHERE key = :key")
        await session.execute(taking, {"key": first})
        parts.tries.append(first)
        if len(parts.tries) == 2:
            parts.both.set()
        await parts.both.wait()
        await session.execute(taking, {"key": second})
    return Response()


@pytest.fixture
async def door(postgres_server: PostgresServer) -> AsyncIterator[Door]:
    postgres_server.drop_database(f"{PREFIX}tally")
    postgres_server.create_database(f"{PREFIX}tally")
    settings = settings_for(postgres_server.url, "127.0.0.1:1", PREFIX, bus_enabled=False)
    await create_schema(settings)

    def alter(kind: str) -> None:
        postgres_server.execute(
            f"ALTER TABLE heard ALTER COLUMN version TYPE {kind}", f"{PREFIX}tally"
        )

    parts = TryingParts(
        name="tally",
        settings=settings,
        wall_clock=wall_now,
        database=Database(settings, "tally"),
        sideways=Sideways(settings),
        alter=alter,
    )
    app = service_app(parts, routers=[router])
    async with app.router.lifespan_context(app), Door.of(app, PARTNER) as door:
        yield door
    postgres_server.drop_database(f"{PREFIX}tally")


async def hear_at_once(door: Door, prefix: str) -> list[tuple[int, object]]:
    """Ask as the gateway would, each time under an idempotency key of the same name."""
    keys = [f"{prefix}{number}" for number in range(AT_ONCE)]
    asked = (door.post("/api/heard", {"key": key}, key=key) for key in keys)
    return [(answer.status_code, answer.json()) for answer in await asyncio.gather(*asked)]


def alter(door: Door, kind: str) -> None:
    door.app.parts.alter(kind)


async def test_a_column_s_type_changed_under_a_service_costs_no_request(
    door: Door,
) -> None:
    """Its transaction rolled back, its key too. Break: leave `TryAgain` out of `service_app`."""
    done = [(201, {"version": 1})] * AT_ONCE
    assert await hear_at_once(door, "before") == done
    await asyncio.to_thread(alter, door, "integer")
    assert await hear_at_once(door, "after") == done
    assert await hear_at_once(door, "after") == done  # as they were answered: nothing is new
    assert (await door.get("/api/read")).text == str(2 * AT_ONCE)
    await asyncio.to_thread(alter, door, "bigint")
    reads = await asyncio.gather(*(door.get("/api/read") for _ in range(AT_ONCE)))
    assert [answer.text for answer in reads] == [str(2 * AT_ONCE)] * AT_ONCE


async def test_what_was_committed_in_part_is_not_begun_again(door: Door) -> None:
    """The caller may ask again. Break: do not look at `committed`."""
    answer = await door.post("/api/halves")
    assert (answer.status_code, answer.json()["code"]) == (503, "CHB.0503")
    assert (await door.get("/api/read")).text == "1"


async def test_of_two_that_lock_each_other_out_both_are_done(door: Door) -> None:
    """Break: leave 40P01 out of `_OVERLAPS`."""
    await hear_at_once(door, "k")
    asked = [("k0", "k1"), ("k1", "k0")]
    answers = await asyncio.gather(
        *(door.post(f"/api/locks?first={first}&second={second}") for first, second in asked)
    )
    assert [answer.status_code for answer in answers] == [200, 200]
    tries = door.app.parts.tries
    assert len(tries) == 3


async def test_a_schema_one_step_apart_is_away_until_it_fits(
    door: Door, postgres_server: PostgresServer
) -> None:
    """Break: let what says that code and schema do not fit be an unforeseen failure."""

    def rename(old: str, new: str) -> None:
        renamed = f"ALTER TABLE heard RENAME COLUMN {old} TO {new}"
        postgres_server.execute(renamed, f"{PREFIX}tally")

    command = {"Idempotency-Key": "one-step"}
    rename("amount", "amount_before")
    answer = await door.post("/api/heard", {"key": "k"}, headers=command)
    assert (answer.status_code, answer.json()["code"]) == (503, "CHB.0503")
    rename("amount_before", "amount")
    answer = await door.post("/api/heard", {"key": "k"}, headers=command)
    assert (answer.status_code, answer.json()["version"]) == (201, 1)
    rename("version", "version_before")
    answer = await door.post("/v2/heard")
    assert (answer.status_code, answer.json()["error_code"]) == (500, "CBC.0999")
    rename("version_before", "version")


async def test_what_the_second_wall_forbids_heals_by_no_roll_out(door: Door) -> None:
    """Break: count a missing right among what a roll-out brings."""
    answer = await door.post("/api/forbidden")
    assert (answer.status_code, answer.json()["code"]) == (500, "CBC.0999")
