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
from chassis.app import service_app
from chassis.clock import utc_now
from chassis.database import HttpSession
from chassis.idempotency import KEEP_HOURS, CurrentIdempotency, prune_idempotency_keys
from chassis.identity import HEADER, CurrentPrincipal, Principal, sign_identity
from chassis.settings import ServiceSettings
from chassis.tables import IdempotencyKey
from testkit.servers import PostgresServer
from tests.chassis.tally import Heard, create_schema, settings_for

pytestmark = pytest.mark.postgres
PREFIX = "keyed_"
ONE = Principal("p1", "solution_provider", "p1")
OTHER = Principal("p2", "solution_provider", "p2")
CUSTOMER = Principal("c1", "customer", "p1")
router = APIRouter()


@router.post("/api/heard")
async def hear(
    session: HttpSession,
    principal: CurrentPrincipal,
    idempotency: CurrentIdempotency,
    key: Annotated[str, Body(embed=True)],
) -> Response:
    count = await session.scalar(select(func.count()).select_from(Heard)) or 0
    session.add(Heard(key=f"{principal.id}/{key}/{count}", version=1, amount=Decimal("1.00")))
    return await idempotency.answer(201, {"whose": principal.id, "number": count + 1})


class Asker:
    """The service's door, entered as anybody."""

    def __init__(self, client: httpx.AsyncClient, settings: ServiceSettings, app: object):
        self.client, self.settings, self.app = client, settings, app

    async def __call__(self, by: Principal, key: str = "k", say: str = "x") -> httpx.Response:
        body = f'{{"key":"{say}"}}'.encode()
        identity = sign_identity(self.settings.keys, by, "POST", "/api/heard", body)
        headers = {HEADER: identity, "Idempotency-Key": key, "Content-Type": "application/json"}
        return await self.client.post("/api/heard", content=body, headers=headers)

    async def age(self, hours: float) -> None:
        """Let all keys be that much older."""
        older = IdempotencyKey.created_at - timedelta(hours=hours)
        async with self.app.state.database.transaction() as session:  # type: ignore[attr-defined]
            await session.execute(update(IdempotencyKey).values(created_at=older))

    async def keys(self) -> int:
        """How many are kept."""
        async with self.app.state.database.transaction() as session:  # type: ignore[attr-defined]
            return await session.scalar(select(func.count()).select_from(IdempotencyKey)) or 0


@pytest.fixture
async def ask(postgres_server: PostgresServer) -> AsyncIterator[Asker]:
    postgres_server.drop_database(f"{PREFIX}tally")
    postgres_server.create_database(f"{PREFIX}tally")
    settings = settings_for(postgres_server.url, "127.0.0.1:1", PREFIX, bus_enabled=False)
    await create_schema(settings)
    app = service_app("tally", settings, routers=[router])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://tally") as client,
    ):
        yield Asker(client, settings, app)
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
    database = ask.app.state.database  # type: ignore[attr-defined]
    await prune_idempotency_keys(database, utc_now())
    assert await ask.keys() == 5
    await ask.age(0.2)
    await ask(ONE, key="young")
    await prune_idempotency_keys(database, utc_now())
    assert await ask.keys() == 1
