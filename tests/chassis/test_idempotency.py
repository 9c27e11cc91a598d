"""An `Idempotency-Key` is one caller's, for one request, for a day."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Body
from sqlalchemy import func, select, update
from starlette.responses import Response

from chassis import idempotency as module
from chassis.app import basic_parts, service_app
from chassis.clock import wall_now
from chassis.database import HttpSession
from chassis.idempotency import KEEP_HOURS, CurrentIdempotency, prune_idempotency_keys
from chassis.identity import CurrentPrincipal, Principal
from chassis.routes import Route
from chassis.tables import IdempotencyKey
from testkit.door import Door
from testkit.servers import PostgresServer
from tests.chassis.tally import Heard, create_schema, settings_for

pytestmark = pytest.mark.postgres
PREFIX = "keyed_"
ONE = Principal("p1", "solution_provider", "p1")
OTHER = Principal("p2", "solution_provider", "p2")
CUSTOMER = Principal("c1", "customer", "p1")
router = APIRouter(route_class=Route)


@router.post("/api/heard", status_code=201)
async def hear(
    session: HttpSession,
    principal: CurrentPrincipal,
    idempotency: CurrentIdempotency,
    key: Annotated[str, Body(embed=True)],
) -> Response:
    count = await session.scalar(select(func.count()).select_from(Heard)) or 0
    session.add(Heard(key=f"{principal.id}/{key}/{count}", version=1, amount=Decimal("1.00")))
    named = {"Location": f"/api/heard/{count + 1}", "ETag": f'"{count + 1}"'}
    return await idempotency.answer({"whose": principal.id, "number": count + 1}, named)


class Asker(Door):
    """The service's door, entered as anybody."""

    async def __call__(self, by: Principal, key: str = "k", say: str = "x") -> httpx.Response:
        return await self.post("/api/heard", {"key": say}, by, key=key)

    async def as_written(self, body: bytes) -> httpx.Response:
        """The answer to exactly these bytes under the key `k`."""
        return await self.post("/api/heard", body, ONE, key="k")

    async def age(self, hours: float) -> None:
        """Let all keys be that much older."""
        older = IdempotencyKey.created_at - timedelta(hours=hours)
        async with self.database.transaction() as session:
            await session.execute(update(IdempotencyKey).values(created_at=older))

    async def keys(self) -> int:
        """How many are kept."""
        async with self.database.transaction() as session:
            return await session.scalar(select(func.count()).select_from(IdempotencyKey)) or 0


@pytest.fixture
async def ask(postgres_server: PostgresServer) -> AsyncIterator[Asker]:
    postgres_server.drop_database(f"{PREFIX}tally")
    postgres_server.create_database(f"{PREFIX}tally")
    settings = settings_for(postgres_server.url, "127.0.0.1:1", PREFIX, bus_enabled=False)
    await create_schema(settings)
    app = service_app(basic_parts("tally", settings), routers=[router])
    async with app.router.lifespan_context(app), Asker.of(app) as door:
        yield door
    postgres_server.drop_database(f"{PREFIX}tally")


async def test_the_same_key_of_another_is_another_key(ask: Asker) -> None:
    """Neither the answer nor the fact that the key is used reaches somebody else."""
    assert (await ask(ONE)).json() == {"whose": "p1", "number": 1}
    again = await ask(ONE)
    assert (again.json(), again.headers["idempotency-replayed"]) == (
        {"whose": "p1", "number": 1},
        "true",
    )
    others = [OTHER, CUSTOMER, replace(ONE, kind="distributor")]
    for number, other in enumerate(others, start=2):
        answer = await ask(other)
        assert answer.json() == {"whose": other.id, "number": number}
        assert "idempotency-replayed" not in answer.headers
    reused = await ask(OTHER, say="y")
    assert (reused.status_code, reused.json()["code"]) == (422, "CHB.0422")
    assert (await ask(ONE)).json() == {"whose": "p1", "number": 1}


async def test_who_acts_for_a_customer_is_not_the_customer(ask: Asker) -> None:
    assert (await ask(CUSTOMER)).json()["number"] == 1
    acting = replace(CUSTOMER, acting_for_partner="p1")
    assert (await ask(acting)).json()["number"] == 2
    assert (await ask(acting)).headers["idempotency-replayed"] == "true"
    assert (await ask(CUSTOMER)).json()["number"] == 1


async def test_a_key_counts_for_a_day_and_not_longer(ask: Asker) -> None:
    """Whether or not it was pruned by then."""
    assert (await ask(ONE)).json()["number"] == 1
    await ask.age(KEEP_HOURS - 0.1)
    assert (await ask(ONE)).json()["number"] == 1
    await ask.age(0.2)
    anew = await ask(ONE, say="another request")
    assert anew.json()["number"] == 2
    assert "idempotency-replayed" not in anew.headers
    assert (await ask(ONE, say="another request")).json()["number"] == 2


async def test_keys_are_pruned_after_a_day_however_many(
    ask: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PRUNE_ROWS_MAX", 2)
    for number in range(5):
        await ask(ONE, key=f"old-{number}")
    await ask.age(KEEP_HOURS - 0.1)
    database = ask.database
    await prune_idempotency_keys(database, wall_now())
    assert await ask.keys() == 5
    await ask.age(0.2)
    await ask(ONE, key="young")
    await prune_idempotency_keys(database, wall_now())
    assert await ask.keys() == 1


async def test_the_answer_again_has_the_headers_of_the_first(ask: Asker) -> None:
    first, again = await ask(ONE), await ask(ONE)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    for name in ("location", "etag", "content-type"):
        assert again.headers[name] == first.headers[name]
    assert again.headers["etag"] == '"1"'


async def test_an_answer_that_a_version_before_kept_is_given_again_without_headers(
    ask: Asker,
) -> None:
    await ask(ONE)
    async with ask.database.transaction() as session:
        await session.execute(update(IdempotencyKey).values(headers=None))
    again = await ask(ONE)
    assert (again.status_code, again.json()["number"]) == (201, 1)
    assert "etag" not in again.headers


SAID = b'{"key": "\xe4\xb8\xad", "amount": 1.0, "more": {"a": [1, true, null], "b": "1.0"}}'


@pytest.mark.parametrize(
    "body",
    [
        SAID.replace(b" ", b""),
        SAID.replace(b", ", b" ,\r\n\t"),
        SAID.replace(b"\xe4\xb8\xad", b"\\u4e2d"),
        SAID.replace(b"1.0,", b"1.00,"),
        SAID.replace(b"1.0,", b"1,"),
        SAID.replace(b"1.0,", b"10e-1,"),
        b'{"more": {"b": "1.0", "a": [1, true, null]}, "amount": 1, "key": "\xe4\xb8\xad"}',
    ],
)
async def test_the_same_in_another_spelling_is_the_same_request(ask: Asker, body: bytes) -> None:
    """Numbers count by their value; so 1.0 and 1.00 are one amount."""
    assert (await ask.as_written(SAID)).json()["number"] == 1
    again = await ask.as_written(body)
    assert (again.status_code, again.json()["number"]) == (201, 1)
    assert again.headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize(
    "body",
    [
        SAID.replace(b"1.0,", b"1.01,"),
        SAID.replace(b"1.0,", b'"1.0",'),
        SAID.replace(b'"1.0"', b'"1.00"'),
        SAID.replace(b"[1, true", b"[true, 1"),
        SAID.replace(b"true", b"1"),
        SAID.replace(b", null", b""),
        SAID.replace(b"more", b"More"),
        SAID.replace(b"\xad", b"\xae"),
    ],
)
async def test_another_content_under_the_key_is_refused(ask: Asker, body: bytes) -> None:
    assert (await ask.as_written(SAID)).json()["number"] == 1
    refused = await ask.as_written(body)
    assert (refused.status_code, refused.json()["code"]) == (422, "CHB.0422")


async def test_a_body_that_is_no_json_is_refused_under_a_key_as_without(ask: Asker) -> None:
    for body in (b"{", b'{"key": NaN}', b'{"key": "a", "key": "b"}', b"\xff"):
        refused = await ask.as_written(body)
        assert (refused.status_code, refused.json()["code"]) == (400, "CBC.0100")
    assert await ask.keys() == 0
