"""The relay when Kafka refuses or is away: in order, in bounded memory, and it catches up."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from chassis import outbox
from chassis.app import basic_parts, service_app
from chassis.metrics import DATABASE_CONNECTIONS, OUTBOX_OLDEST, OUTBOX_ROWS, RELAY_FAILURES
from chassis.relay import Relay
from chassis.settings import ServiceSettings
from chassis.tables import OutboxRow
from testkit.servers import KafkaServer
from tests.chassis.processes import Outcome, tally, until
from tests.chassis.tally import counting, funds_moved

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
BACKLOG = 6000
OLD_SECONDS = 0.2
GROWTH_BYTES_MAX = 60_000_000
pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


@pytest.fixture
async def outcome(settings: ServiceSettings) -> AsyncIterator[Outcome]:
    found = Outcome(settings)
    yield found
    await found.database.close()


async def commit(outcome: Outcome, key: str, versions: range, reason: str = "TEST") -> None:
    """State many facts in one transaction."""
    async with outcome.database.transaction() as session:
        for version in versions:
            event = funds_moved(key, version, NOW)
            outbox.publish(session, event.model_copy(update={"reason": reason}))


async def limit_messages(settings: ServiceSettings, bytes_max: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap_servers)
    await admin.start()
    topic = settings.topic_prefix + "billing"
    limit = {"max.message.bytes": str(bytes_max)}
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=limit)])
    await admin.close()


async def sent(settings: ServiceSettings) -> int:
    """How many events the topic holds."""
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap_servers)
    await consumer.start()
    targets = [TopicPartition(settings.topic_prefix + "billing", n) for n in range(3)]
    ends = await consumer.end_offsets(targets)
    await consumer.stop()
    return int(sum(ends.values()))


async def test_no_event_overtakes_an_earlier_one_of_its_key_that_was_refused(
    settings: ServiceSettings, outcome: Outcome
) -> None:
    """The first batch of a partition is refused, the second would fit.

    Break: call `producer.stop()` in place of `_abandon`, and drop `add_done_callback` in `_send`.
    """
    await limit_messages(settings, 200_000)
    await commit(outcome, "k", range(1, 6), reason="x" * 60_000)  # four fill the first batch
    await commit(outcome, "k", range(6, 11))
    app = service_app(basic_parts("tally", settings), routers=[], consumers=[counting()])
    failed = RELAY_FAILURES._value.get()
    async with app.router.lifespan_context(app):

        async def refused_again() -> bool:
            return bool(RELAY_FAILURES._value.get() >= failed + 3)

        await until(refused_again)
        assert await sent(settings) == 0
        await limit_messages(settings, 1_000_000)
        await outcome.settled("k", 10)


async def test_kafka_away_for_a_while_costs_bounded_memory_and_no_order(
    settings: ServiceSettings, outcome: Outcome, kafka_server: KafkaServer
) -> None:
    with tally(settings) as process:
        await commit(outcome, "k", range(1, 11))
        await outcome.settled("k", 10)
        before = resident_bytes(process.pid)
        await asyncio.to_thread(kafka_server.stop)
        for first in range(11, BACKLOG, 1000):
            await commit(outcome, "k", range(first, min(first + 1000, BACKLOG + 1)))
        await asyncio.sleep(3)
        assert resident_bytes(process.pid) - before < GROWTH_BYTES_MAX
        assert await outcome.count(OutboxRow) == BACKLOG - 10
        await asyncio.to_thread(kafka_server.start)

        async def caught_up() -> bool:
            return await outcome.count(OutboxRow) == 0

        await until(caught_up)
        await outcome.settled("k", BACKLOG)


async def test_the_outbox_is_measured_while_kafka_is_away(
    settings: ServiceSettings, outcome: Outcome
) -> None:
    """So that the alert on its oldest row comes when it is needed."""
    away = settings.model_copy(update={"kafka_bootstrap_servers": "127.0.0.1:1"})
    await commit(outcome, "k", range(1, 8))
    OUTBOX_ROWS.set(0)
    OUTBOX_OLDEST.set(0)
    DATABASE_CONNECTIONS.set(0)
    await asyncio.sleep(OLD_SECONDS)
    relay = asyncio.create_task(Relay(away, outcome.database, "tally").run())

    async def measured() -> bool:
        return bool(OUTBOX_ROWS._value.get() == 7 and DATABASE_CONNECTIONS._value.get())

    await until(measured)
    assert OLD_SECONDS <= OUTBOX_OLDEST._value.get() < 60
    assert 1 / 200 <= DATABASE_CONNECTIONS._value.get() <= 1  # its own, of the 200 that are allowed
    relay.cancel()
    await asyncio.gather(relay, return_exceptions=True)


def resident_bytes(pid: int) -> int:
    """What the process holds in memory."""
    pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * 4096


async def test_a_relay_that_is_told_to_end_ends_the_batch_that_it_has_begun(
    settings: ServiceSettings, outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its next holder sends the same events once more.

    Break: in `Relay._send_until_changed`, call `_send_once`.
    """
    begun = asyncio.Event()

    def note(point: str) -> None:
        if point == "relay.sending":
            begun.set()

    monkeypatch.setattr("chassis.relay.crash_point", note)
    await commit(outcome, "k", range(1, 11))
    relay = asyncio.create_task(Relay(settings, outcome.database, "tally").run())
    await asyncio.wait_for(begun.wait(), 60)
    relay.cancel()
    await asyncio.wait([relay])
    assert (await sent(settings), await outcome.count(OutboxRow)) == (10, 0)
