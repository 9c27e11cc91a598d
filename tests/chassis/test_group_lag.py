"""The lag of a consumer that cannot tell it: frozen, dead, or never joined."""

import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from pydantic import SecretStr

from chassis.app import basic_parts, service_app
from chassis.group_lag import GroupLag
from chassis.metrics import GROUP_LAG_EVENTS, GROUP_LAG_SECONDS
from chassis.settings import ServiceSettings
from chassis.unread import TopicReader
from testkit.embedded.ports import free_port
from tests.chassis.processes import Outcome, tally, until
from tests.chassis.tally import counting, funds_moved, state

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


@pytest.fixture(autouse=True)
def nothing_told() -> None:
    """What other tests' processes told of groups with the same name is not ours."""
    GROUP_LAG_EVENTS.clear()
    GROUP_LAG_SECONDS.clear()


@pytest.fixture
async def outcome(settings: ServiceSettings) -> AsyncIterator[Outcome]:
    found = Outcome(settings)
    yield found
    await found.database.close()


@pytest.fixture
async def onlooker(settings: ServiceSettings) -> AsyncIterator[GroupLag]:
    """Another service's process, which consumes nothing itself."""
    reader = TopicReader(settings)
    found = GroupLag(settings, [], reader)
    yield found
    await found._close()
    await reader.close()


def shown(gauge: object, name: str = "tally") -> float:
    """What a scrape would read."""
    samples = [
        sample
        for metric in gauge.collect()  # type: ignore[attr-defined]
        for sample in metric.samples
        if sample.labels == {"group": name, "stream": "billing"}
    ]
    return samples[0].value if samples else -1.0


async def test_a_frozen_consumers_lag_is_told_by_another_and_grows(
    settings: ServiceSettings, outcome: Outcome, onlooker: GroupLag
) -> None:
    """Break: in `_age_of`, tell the age as it was when it was looked at."""
    with tally(settings) as process:
        await state(outcome.database, "k", range(1, 4), NOW)
        await outcome.settled("k", 3)

        async def all_told() -> bool:
            await onlooker.look()
            return shown(GROUP_LAG_EVENTS) == 0 and shown(GROUP_LAG_SECONDS) == 0

        await until(all_told)
        process.send_signal(signal.SIGSTOP)
        await send(settings, 7)
        assert await onlooker.look()
        assert shown(GROUP_LAG_EVENTS) == 7
        assert await onlooker.look()
        before = shown(GROUP_LAG_SECONDS)

        async def has_grown() -> bool:  # with nobody looking
            return shown(GROUP_LAG_SECONDS) > before + 2

        assert 0 < before < 60
        await until(has_grown)
        assert shown(GROUP_LAG_EVENTS) == 7
        process.send_signal(signal.SIGCONT)
        await until(all_told)
        process.kill()
        process.wait()
        await send(settings, 2)
        await onlooker.look()
        assert shown(GROUP_LAG_EVENTS) == 2


async def send(settings: ServiceSettings, events: int) -> None:
    """Past the frozen process: straight to the topic."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers)
    await producer.start()
    for version in range(1, events + 1):
        event = funds_moved(uuid4().hex, version, NOW)
        headers = [("ce_id", str(event.event_id).encode()), ("ce_type", event.TYPE.encode())]
        body, topic = event.model_dump_json().encode(), settings.topic_prefix + "billing"
        await producer.send_and_wait(topic, body, b"k", 0, headers=headers)
    await producer.stop()


async def test_who_never_joined_for_want_of_a_database_tells_the_lag_itself(
    settings: ServiceSettings, outcome: Outcome
) -> None:
    """It takes no partition, is alive, and joins when its database is there.

    Break: in `Subscription.keep`, do not wait until it can position.
    """
    await send(settings, 3)
    nowhere = SecretStr(f"postgresql://nobody:wrong@127.0.0.1:{free_port()}")
    away = settings.model_copy(update={"database_url": nowhere, "group_lag_seconds": 0.3})
    app = service_app(basic_parts("tally", away), routers=[], consumers=[counting()])
    stays = service_app(basic_parts("tally", settings), routers=[], consumers=[counting()])
    async with app.router.lifespan_context(app):

        async def told() -> bool:
            return shown(GROUP_LAG_EVENTS) == 3 and shown(GROUP_LAG_SECONDS) > 0

        await until(told)
        assert app.running.subscriptions[0].consumer is None
        async with stays.router.lifespan_context(stays):

            async def all_handled() -> bool:
                return len(await outcome.heard()) == 3 and shown(GROUP_LAG_EVENTS) == 0

            await until(all_handled)
            assert len(stays.running.subscriptions[0].positions) == 3


async def test_a_group_that_is_no_more_is_not_told_any_more(settings: ServiceSettings) -> None:
    reader = TopicReader(settings)
    own = GroupLag(settings, [counting("tally_gone")], reader)
    await own.look()
    assert shown(GROUP_LAG_EVENTS, "tally_gone") == 0
    own._groups = []
    await own.look()
    assert shown(GROUP_LAG_EVENTS, "tally_gone") == -1
    await own._close()
    await reader.close()
