"""Health is progress: who has lag and does not advance is not alive, whatever else answers."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from chassis.app import basic_parts, service_app
from chassis.consumers import Consumers
from chassis.database import EventSession
from chassis.metrics import FENCED, LAG_SECONDS
from chassis.parts import Parts, ServiceApp
from chassis.settings import ServiceSettings
from contracts.billing import BillingFundsMoved
from testkit.servers import PostgresServer
from tests.chassis.processes import Outcome, until
from tests.chassis.tally import Heard, counting, funds_moved, state

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
COMPUTES_SECONDS = 10
HOUR_SECONDS = 3600
pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


@pytest.fixture
def watched(settings: ServiceSettings) -> ServiceSettings:
    """Settings of a tally that is judged quickly."""
    quick = {"stalled_after_seconds": 1.0, "consumer_watch_seconds": 0.2}
    return settings.model_copy(update=quick)


@asynccontextmanager
async def running(
    settings: ServiceSettings, consumers: Consumers
) -> AsyncIterator[ServiceApp[Parts]]:
    app = service_app(basic_parts("tally", settings), routers=[], consumers=[consumers])
    async with app.router.lifespan_context(app):
        yield app


async def livez(app: ServiceApp[Parts]) -> tuple[int, str]:
    transport = httpx.ASGITransport(app=app.ops)
    async with httpx.AsyncClient(transport=transport, base_url="http://tally") as client:
        answer = await client.get("/livez")
        return answer.status_code, answer.text


async def dead(app: ServiceApp[Parts]) -> None:
    async def answers_so() -> bool:
        return (await livez(app))[0] == 503

    await until(answers_so)


async def send_an_hour_old(settings: ServiceSettings) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers)
    await producer.start()
    event = funds_moved("k", 1, NOW)
    await producer.send_and_wait(
        settings.topic_prefix + "billing",
        event.model_dump_json().encode(),
        key=b"k",
        partition=0,
        timestamp_ms=int((time.time() - HOUR_SECONDS) * 1000),
        headers=[("ce_type", event.TYPE.encode()), ("ce_id", str(event.event_id).encode())],
    )
    await producer.stop()


async def test_a_frozen_handler_is_not_alive_and_its_lag_is_the_age_of_what_waits(
    watched: ServiceSettings,
) -> None:
    consumers, thawed = Consumers("tally"), asyncio.Event()

    @consumers.on(BillingFundsMoved)
    async def on_funds_moved(_event: BillingFundsMoved, _session: EventSession) -> None:
        await thawed.wait()

    await send_an_hour_old(watched)
    async with running(watched, consumers) as app:
        await dead(app)
        topic = watched.topic_prefix + "billing"
        assert f"{topic}-0: 1 events behind" in (await livez(app))[1]
        lag = LAG_SECONDS.labels("tally", topic, "0")

        async def an_hour_late() -> bool:  # known only once the event has been fetched
            return bool(lag._value.get() >= HOUR_SECONDS)

        await until(an_hour_late)
        assert lag._value.get() < HOUR_SECONDS + 60
        thawed.set()

        async def alive() -> bool:
            return (await livez(app))[0] == 200

        await until(alive)

        async def not_late() -> bool:
            return bool(lag._value.get() == 0)

        await until(not_late)


async def test_a_database_that_is_away_restarts_nobody(
    watched: ServiceSettings, postgres_server: PostgresServer
) -> None:
    """A probe would restart every consuming process, and none would get any further for it.

    Break: drop `Progress.excuse`.
    """
    name = f"{watched.database_prefix}tally"
    judged = watched.model_copy(update={"stalled_after_seconds": 3.0})  # a session lasts for 6

    def let_in(allowed: str) -> None:
        postgres_server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS {allowed}')
        postgres_server.execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        )

    async with running(judged, counting()) as app:
        (subscription,) = app.running.subscriptions

        async def joined() -> bool:
            return bool(subscription.positions)

        await until(joined)
        await asyncio.to_thread(let_in, "false")
        await send_an_hour_old(watched)
        seen = set()

        async def left() -> bool:  # long after it counts as stalled
            seen.add((await livez(app))[0])
            return subscription.consumer is None

        await until(left)
        for _ in range(20):
            seen.add((await livez(app))[0])
            await asyncio.sleep(0.1)
        assert seen == {200}
        await asyncio.to_thread(let_in, "true")
        outcome = Outcome(watched)

        async def heard() -> bool:
            return len(await outcome.heard()) == 1 and (await livez(app))[0] == 200

        await until(heard)
        await outcome.database.close()


async def test_a_lost_rejoin_is_seen_by_the_positions_that_nobody_moves(
    watched: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The member holds no partition, so that its own lag says nothing."""
    outcome = Outcome(watched)
    async with running(watched, counting()) as app:
        await state(app.parts.database, "k", range(1, 3), NOW)

        async def heard() -> bool:
            return len(await outcome.heard()) == 2

        await until(heard)
        (subscription,) = app.running.subscriptions
        lost = subscription.consumer.assignment()
        monkeypatch.setattr(subscription.consumer, "assignment", set)
        await subscription.on_partitions_revoked(lost)
        subscription.progress.assigned(())
        await asyncio.sleep(1.5)
        assert (await livez(app))[0] == 200  # without lag there is nothing to do
        await state(app.parts.database, "k", range(3, 5), NOW)
        await dead(app)
        assert "nobody works on" in (await livez(app))[1]
        monkeypatch.undo()
        await subscription.on_partitions_assigned(lost)

        async def alive() -> bool:
            return (await livez(app))[0] == 200 and len(await outcome.heard()) == 4

        await until(alive)
    await outcome.database.close()


async def test_a_handler_that_computes_for_ten_seconds_keeps_its_partitions(
    settings: ServiceSettings,
) -> None:
    consumers, effects = Consumers("tally"), Outcome(settings)

    @consumers.on(BillingFundsMoved)
    async def on_funds_moved(event: BillingFundsMoved, session: EventSession) -> None:
        if event.version == 2:
            _compute()
        session.add(Heard(key=event.owner_id, version=event.version, amount=event.amount))

    session_as_deployed = ServiceSettings.model_fields["consumer_session_seconds"].default
    patient = settings.model_copy(update={"consumer_session_seconds": session_as_deployed})
    async with running(patient, consumers) as app:
        fenced = FENCED.labels("tally")._value.get()
        coordinator = app.running.subscriptions[0].consumer._coordinator

        async def joined() -> bool:
            return bool(app.running.subscriptions[0].positions)

        await until(joined)
        generation = coordinator.generation
        assert await effects.heard() == []  # its connection stands before the loop does
        await state(app.parts.database, "k", range(1, 6), NOW)

        async def heard() -> bool:
            return len(await effects.heard()) >= 5

        await until(heard)
        await asyncio.sleep(3)  # a heartbeat would come back with bad news by now
        assert coordinator.generation == generation
        assert FENCED.labels("tally")._value.get() == fenced
        assert await effects.heard() == [("k", version) for version in range(1, 6)]
    await effects.database.close()


def _compute() -> None:
    time.sleep(COMPUTES_SECONDS)
