"""A schema that does not fit fails for every key: it costs time, and nothing stays parked."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
import pytest
from sqlalchemy import func, select, text

from chassis import outbox
from chassis.app import basic_parts, service_app
from chassis.consumers import Consumers
from chassis.database import EventSession
from chassis.metrics import CONSUMER_HALTED
from chassis.misfits import KEYS_MAX
from chassis.parts import Parts, ServiceApp
from chassis.settings import ServiceSettings
from chassis.tables import ParkedEvent, ParkedKey
from contracts.billing import BillingFundsMoved
from tests.chassis.processes import Outcome, until
from tests.chassis.tally import Heard, counting, funds_moved

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
KEYS = [f"k{n}" for n in range(20)]
HALTED = CONSUMER_HALTED.labels("tally")
BREAKS = {
    "column": ("ALTER TABLE heard RENAME COLUMN amount TO sum",
               "ALTER TABLE heard RENAME COLUMN sum TO amount"),
    "table": ("ALTER TABLE heard RENAME TO gone", "ALTER TABLE gone RENAME TO heard"),
    "function": ("CREATE TRIGGER t BEFORE INSERT ON heard FOR EACH ROW EXECUTE FUNCTION refuse();"
                 , "DROP TRIGGER t ON heard"),
}  # fmt: skip
REFUSE = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM not_there(1); RETURN NEW; END $$
"""
pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


@pytest.fixture
def settings(settings: ServiceSettings) -> ServiceSettings:
    return settings.model_copy(update={"consumer_watch_seconds": 0.3, "stalled_after_seconds": 2.0})


@pytest.fixture
async def outcome(settings: ServiceSettings) -> AsyncIterator[Outcome]:
    found = Outcome(settings)
    yield found
    await found.database.close()


@asynccontextmanager
async def running(
    settings: ServiceSettings, consumers: Consumers
) -> AsyncIterator[ServiceApp[Parts]]:
    app = service_app(basic_parts("tally", settings), routers=[], consumers=[consumers])
    async with app.router.lifespan_context(app):
        yield app


async def alter(outcome: Outcome, *statements: str) -> None:
    async with outcome.database.transaction() as session:
        for statement in statements:
            await session.execute(text(statement))


async def waiting(outcome: Outcome) -> int:
    counted = select(func.count()).select_from(ParkedEvent).where(ParkedEvent.state == "waiting")
    async with outcome.database.transaction() as session:
        return await session.scalar(counted) or 0


async def parked_keys(outcome: Outcome) -> int:
    async with outcome.database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(ParkedKey)) or 0


async def publish_each(outcome: Outcome, keys: list[str], version: int = 1) -> None:
    for key in keys:
        async with outcome.database.transaction() as session:
            outbox.publish(session, funds_moved(key, version, NOW))


async def asked(app: ServiceApp[Parts], path: str) -> tuple[int, str]:
    transport = httpx.ASGITransport(app=app.ops)
    async with httpx.AsyncClient(transport=transport, base_url="http://tally") as client:
        answer = await client.get(path)
        return answer.status_code, answer.text


async def halted() -> bool:
    return bool(HALTED._value.get() == 1)


@pytest.mark.parametrize("what", list(BREAKS))
async def test_what_fails_for_every_key_stops_the_consumer_and_goes_on_by_itself(
    settings: ServiceSettings, outcome: Outcome, what: str
) -> None:
    """Break: let `Misfits.fails_for_all` answer False."""
    spoil, mend = BREAKS[what]
    await alter(outcome, REFUSE)
    async with running(settings, counting()) as app:
        await publish_each(outcome, ["before"])

        async def heard_before() -> bool:
            return await outcome.heard() == [("before", 1)]

        await until(heard_before)
        await alter(outcome, spoil)
        await publish_each(outcome, KEYS)
        await until(halted)
        status, told = await asked(app, "/readyz")
        assert "code and schema do not fit" in told
        assert status == 200  # HTTP is served; what is wrong stands beside it
        assert (await asked(app, "/livez"))[0] == 200  # a restart would not help
        assert await parked_keys(outcome) < KEYS_MAX
        await publish_each(outcome, KEYS, version=2)
        assert await parked_keys(outcome) < KEYS_MAX
        await alter(outcome, mend)

        async def all_heard() -> bool:
            return len(await outcome.heard()) == 1 + 2 * len(KEYS)

        await until(all_heard)

        async def nothing_waits() -> bool:
            return await waiting(outcome) == 0 and await parked_keys(outcome) == 0

        await until(nothing_waits)
        assert HALTED._value.get() == 0
        for key in KEYS:
            assert await outcome.heard(key) == [(key, 1), (key, 2)]


async def test_what_was_parked_before_a_restart_is_replayed_after_it(
    settings: ServiceSettings, outcome: Outcome
) -> None:
    spoil, mend = BREAKS["column"]
    await alter(outcome, spoil)
    async with running(settings, counting()):
        await publish_each(outcome, KEYS[:5])
        await until(halted)
        assert await parked_keys(outcome) == KEYS_MAX - 1
    await alter(outcome, mend)
    async with running(settings, counting()):

        async def all_heard() -> bool:
            return len(await outcome.heard()) == 5 and await waiting(outcome) == 0

        await until(all_heard)


async def test_one_key_that_fails_in_such_a_way_is_parked_alone(
    settings: ServiceSettings, outcome: Outcome
) -> None:
    consumers = Consumers("tally")

    @consumers.on(BillingFundsMoved)
    async def on_funds_moved(event: BillingFundsMoved, session: EventSession) -> None:
        if event.owner_id == "odd":
            await session.execute(text("SELECT not_there FROM heard"))
        session.add(Heard(key=event.owner_id, version=event.version, amount=event.amount))

    async with running(settings, consumers):
        await publish_each(outcome, ["odd", *KEYS, "odd"])

        async def settled() -> bool:
            return len(await outcome.heard()) == len(KEYS) and await waiting(outcome) == 2

        await until(settled)
        assert HALTED._value.get() == 0
        assert await parked_keys(outcome) == 1
