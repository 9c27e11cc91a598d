"""Marks of transactions have offsets and are no events: nobody is late by them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from sqlalchemy import update

from chassis.app import basic_parts, service_app
from chassis.metrics import LAG_EVENTS
from chassis.parts import Parts, ServiceApp
from chassis.rebuild import Copied
from chassis.rebuild_run import Rebuilding
from chassis.settings import ServiceSettings
from chassis.tables import ConsumerPosition
from chassis.unread import TopicReader
from tests.chassis.processes import Outcome, until
from tests.chassis.tally import counting, funds_moved

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
PARTITION = 1
USUAL_SECONDS = 5.0  # an event takes a tenth of that; three seeks would take more
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
async def running(settings: ServiceSettings) -> AsyncIterator[ServiceApp[Parts]]:
    app = service_app(basic_parts("tally", settings), routers=[], consumers=[counting()])
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def foreign(settings: ServiceSettings) -> AsyncIterator[AIOKafkaProducer]:
    """Somebody else's producer, which writes in transactions."""
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka_bootstrap_servers, transactional_id=uuid4().hex
    )
    await producer.start()
    yield producer
    await producer.stop()


@pytest.fixture
async def plain(settings: ServiceSettings) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers)
    await producer.start()
    yield producer
    await producer.stop()


async def send(
    producer: AIOKafkaProducer, settings: ServiceSettings, key: str, versions: range
) -> None:
    for version in versions:
        event = funds_moved(key, version, NOW)
        headers = [
            ("ce_id", str(event.event_id).encode()),
            ("ce_type", event.TYPE.encode()),
            ("ce_dataschema", event.data_schema.encode()),
        ]
        body, topic = event.model_dump_json().encode(), settings.topic_prefix + "billing"
        await producer.send_and_wait(topic, body, key.encode(), PARTITION, headers=headers)


async def committed(
    producer: AIOKafkaProducer, settings: ServiceSettings, key: str, versions: range
) -> None:
    async with producer.transaction():
        await send(producer, settings, key, versions)


async def aborted(
    producer: AIOKafkaProducer, settings: ServiceSettings, key: str, versions: range
) -> None:
    await producer.begin_transaction()
    await send(producer, settings, key, versions)
    await producer.abort_transaction()


async def heard(outcome: Outcome, key: str, count: int, seconds: float = 60) -> None:
    async def there() -> bool:
        return len(await outcome.heard(key)) >= count

    await until(there, seconds)


async def asked(app: ServiceApp[Parts], path: str) -> int:
    transport = httpx.ASGITransport(app=app.ops)
    async with httpx.AsyncClient(transport=transport, base_url="http://tally") as client:
        return (await client.get(path)).status_code


async def well_and_not_late(app: ServiceApp[Parts], settings: ServiceSettings) -> None:
    """For longer than it takes to be called stalled: many looks, and each says the same."""
    lag = LAG_EVENTS.labels("tally", settings.topic_prefix + "billing", str(PARTITION))

    async def caught_up() -> bool:
        return bool(app.running.subscriptions[0].progress.lags) and lag._value.get() == 0

    await until(caught_up)  # a look may have fallen between an event's arrival and its batch
    for _ in range(10):
        await asyncio.sleep(settings.stalled_after_seconds / 5)
        assert await asked(app, "/livez") == 200
        assert lag._value.get() == 0


async def test_marks_at_the_end_of_a_partition_are_no_lag_and_hold_up_nothing(
    settings: ServiceSettings,
    outcome: Outcome,
    foreign: AIOKafkaProducer,
    plain: AIOKafkaProducer,
) -> None:
    """Break: in `Subscription._lags`, subtract the stored position alone from the end."""
    async with running(settings) as app:
        await send(plain, settings, "k", range(1, 3))
        await committed(foreign, settings, "t", range(1, 3))
        await heard(outcome, "t", 2)
        await aborted(foreign, settings, "never", range(1, 4))
        await aborted(foreign, settings, "never", range(4, 5))
        await well_and_not_late(app, settings)
        await send(plain, settings, "k", range(3, 4))
        await heard(outcome, "k", 3, USUAL_SECONDS)
        await committed(foreign, settings, "t", range(3, 4))
        await heard(outcome, "t", 3, USUAL_SECONDS)
    assert await outcome.heard("never") == []


async def test_a_position_before_marks_is_found_again_after_a_restart(
    settings: ServiceSettings,
    outcome: Outcome,
    foreign: AIOKafkaProducer,
    plain: AIOKafkaProducer,
) -> None:
    async with running(settings):
        await committed(foreign, settings, "t", range(1, 3))
        await heard(outcome, "t", 2)
        await aborted(foreign, settings, "never", range(1, 4))
    async with running(settings) as app:
        await well_and_not_late(app, settings)
        assert not app.running.subscriptions[0].progress.alarms
        await send(plain, settings, "k", range(1, 2))
        await heard(outcome, "k", 1, USUAL_SECONDS)
    async with running(settings):
        await send(plain, settings, "k", range(2, 3))
        await heard(outcome, "k", 2)
    assert await outcome.heard("never") == []
    assert await outcome.heard("t") == [("t", 1), ("t", 2)]


async def test_an_open_transaction_holds_back_what_comes_after_it_and_is_no_lag(
    settings: ServiceSettings,
    outcome: Outcome,
    foreign: AIOKafkaProducer,
    plain: AIOKafkaProducer,
) -> None:
    """What was read before such ends were respected may lie behind it: that is no shorter log."""
    async with running(settings) as app:
        await send(plain, settings, "k", range(1, 2))
        await heard(outcome, "k", 1)
        await foreign.begin_transaction()
        await send(foreign, settings, "t", range(1, 2))
        await send(plain, settings, "k", range(2, 3))
        await well_and_not_late(app, settings)
        assert await outcome.heard() == [("k", 1)]
        await foreign.commit_transaction()
        await heard(outcome, "k", 2, USUAL_SECONDS)
    assert await outcome.heard() == [("k", 1), ("t", 1), ("k", 2)]


async def test_a_position_behind_an_open_transaction_waits_for_its_end(
    settings: ServiceSettings,
    outcome: Outcome,
    foreign: AIOKafkaProducer,
    plain: AIOKafkaProducer,
) -> None:
    """As a version before this one left it, which read what was not committed.

    Break: in `read_positions`, take the end of what is committed for the end of the log.
    """
    async with running(settings):
        await send(plain, settings, "k", range(1, 4))
        await heard(outcome, "k", 3)
    await foreign.begin_transaction()
    await send(foreign, settings, "t", range(1, 2))
    await move_position(outcome, to=4)
    async with running(settings) as app:
        await well_and_not_late(app, settings)
        assert not app.running.subscriptions[0].progress.alarms
        await foreign.commit_transaction()
        await send(plain, settings, "k", range(4, 5))
        await heard(outcome, "k", 4, USUAL_SECONDS)
    assert await outcome.heard("t") == []


async def move_position(outcome: Outcome, to: int) -> None:
    async with outcome.database.transaction() as session:
        moved = update(ConsumerPosition).where(ConsumerPosition.partition == PARTITION)
        await session.execute(moved.values(position=to, last_event=None))


async def test_offsets_committed_for_others_lie_behind_the_marks(
    settings: ServiceSettings, outcome: Outcome, foreign: AIOKafkaProducer
) -> None:
    """Whatever measures a group by Kafka's own offsets sees no lag where nothing waits."""
    topic = TopicPartition(settings.topic_prefix + "billing", PARTITION)
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap_servers)
    await admin.start()
    async with running(settings):
        await committed(foreign, settings, "t", range(1, 3))
        await heard(outcome, "t", 2)
        await aborted(foreign, settings, "never", range(1, 3))
        async with AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap_servers) as kafka:
            end = (await kafka.end_offsets([topic]))[topic]
        assert end == 6

        async def at_the_end() -> bool:
            found = await admin.list_consumer_group_offsets(settings.topic_prefix + "tally")
            return topic in found and found[topic].offset == end

        await until(at_the_end)
    await admin.close()


async def test_what_waits_is_counted_in_events_and_by_the_age_of_the_first(
    settings: ServiceSettings, foreign: AIOKafkaProducer, plain: AIOKafkaProducer
) -> None:
    partition = (settings.topic_prefix + "billing", PARTITION)
    reader = TopicReader(settings)
    await send(plain, settings, "k", range(1, 3))
    await aborted(foreign, settings, "never", range(1, 4))
    assert (await reader.unread({partition: 2}))[partition].events == 0
    await committed(foreign, settings, "t", range(1, 3))
    found = await reader.unread({partition: 2, (partition[0], 0): 0})
    assert found[partition].events == 2
    assert found[(partition[0], 0)].events == 0
    oldest = found[partition].oldest_at
    assert oldest is not None
    assert abs(datetime.now(UTC).timestamp() - oldest) < 60
    await send(plain, settings, "k", range(3, 300))
    again = (await reader.unread({partition: 2}))[partition]
    assert again.oldest_at == oldest
    assert 299 <= again.events <= 300  # beyond a hundred, offsets are counted
    assert (await reader.unread({partition: 0}))[partition].events >= 301
    await reader.close()


async def test_a_rebuild_does_not_wait_for_marks(
    settings: ServiceSettings, outcome: Outcome, foreign: AIOKafkaProducer
) -> None:
    """Break: in `Rebuilding._behind`, count offsets."""
    async with running(settings) as app:
        await committed(foreign, settings, "t", range(1, 3))
        await aborted(foreign, settings, "never", range(1, 3))
        await heard(outcome, "t", 2)
        async with asyncio.timeout(30):
            consumers = list(app.running.consumers.values())
            await Rebuilding(app.parts, consumers, Copied({}), lambda _line: None)._heard()
