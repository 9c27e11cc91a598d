"""A topic that is not the one the position was taken in is an alarm, never a silent jump."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from sqlalchemy import select, update

from chassis import cli, positions
from chassis.app import basic_parts, service_app
from chassis.attempts import Attempts
from chassis.messages import Message, message_of
from chassis.parts import Parts, ServiceApp
from chassis.positions import read_positions
from chassis.settings import ServiceSettings
from chassis.standing import Standing
from chassis.tables import AuditEntry, ConsumerPosition
from testkit.servers import KafkaServer
from tests.chassis.processes import Outcome, until
from tests.chassis.tally import counting, funds_moved

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
ALARMED = 1  # the partition that the tests harm
pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


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


async def send(settings: ServiceSettings, key: str, versions: range, partition: int) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers)
    await producer.start()
    for version in versions:
        event = funds_moved(key, version, NOW)
        headers = [
            ("ce_id", str(event.event_id).encode()),
            ("ce_type", event.TYPE.encode()),
            ("ce_dataschema", event.data_schema.encode()),
        ]
        body = event.model_dump_json().encode()
        topic = settings.topic_prefix + "billing"
        await producer.send_and_wait(topic, body, key.encode(), partition, headers=headers)
    await producer.stop()


async def consumed(outcome: Outcome, effects: int) -> None:
    async def all_there() -> bool:
        return len(await outcome.heard()) >= effects

    await until(all_there)


@asynccontextmanager
async def admin(settings: ServiceSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap_servers)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def make_anew(settings: ServiceSettings, kafka: KafkaServer) -> None:
    topic = settings.topic_prefix + "billing"
    async with admin(settings) as client:
        await client.delete_topics([topic])

        async def gone() -> bool:
            return topic not in await client.list_topics()

        await until(gone)
    await asyncio.to_thread(kafka.create_topics, [topic], 3)


async def remove_before(settings: ServiceSettings, offset: int) -> None:
    """What retention does."""
    target = TopicPartition(settings.topic_prefix + "billing", ALARMED)
    async with admin(settings) as client:
        await client.delete_records({target: RecordsToDelete(before_offset=offset)})


async def asked(app: ServiceApp[Parts], path: str) -> tuple[int, str]:
    transport = httpx.ASGITransport(app=app.ops)
    async with httpx.AsyncClient(transport=transport, base_url="http://tally") as client:
        answer = await client.get(path)
        return answer.status_code, answer.text


async def stands_still(app: ServiceApp[Parts], outcome: Outcome, why: str) -> None:
    """The alarm shows; the harmed partition stands; the others flow."""

    async def alarmed() -> bool:
        return bool(app.running.subscriptions and app.running.subscriptions[0].progress.alarms)

    await until(alarmed)
    status, text = await asked(app, "/readyz")
    assert status == 200  # its requests are served as well as before
    assert f"billing-{ALARMED}: {why}" in text
    assert await asked(app, "/livez") == (200, '{"alive":true,"stalled":{}}')
    _, metrics = await asked(app, "/metrics")
    topic = app.parts.settings.topic_prefix + "billing"
    labels = f'{{consumer="tally",partition="{ALARMED}",stream="{topic}"}}'
    assert f"channelbus_position_alarm{labels} 1.0" in metrics
    before = await outcome.heard("lost")
    await send(app.parts.settings, "flows", range(1, 4), ALARMED + 1)
    await until_heard(outcome, "flows", 3)
    assert await outcome.heard("lost") == before


async def until_heard(outcome: Outcome, key: str, count: int) -> None:
    async def there() -> bool:
        return len(await outcome.heard(key)) >= count

    await until(there)


async def accept(settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch) -> str:
    """`tally positions accept …` as a person types it."""
    topic = settings.topic_prefix + "billing"
    reason = ["--reason", "the cluster was set up anew"]
    command = ["tally", "positions", "accept", "tally", topic, str(ALARMED), *reason]
    monkeypatch.setattr(sys, "argv", command)
    build: Any = lambda _: service_app(basic_parts("tally", settings), routers=[])  # noqa: E731
    with pytest.raises(SystemExit) as ended:
        await asyncio.to_thread(cli.main, "tally", lambda: settings, build)  # type: ignore[arg-type]
    return str(ended.value.code)


async def test_a_topic_made_anew_stands_still_until_a_person_accepts_it(
    settings: ServiceSettings,
    outcome: Outcome,
    kafka_server: KafkaServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """More events than before: only the one before the position tells that it is another topic."""
    async with running(settings):
        await send(settings, "old", range(1, 6), ALARMED)
        await consumed(outcome, 5)
    await make_anew(settings, kafka_server)
    await send(settings, "lost", range(1, 9), ALARMED)
    async with running(settings) as app:
        await stands_still(app, outcome, "the topic was made anew under its position")
    assert await accept(settings, monkeypatch) == "0"
    async with running(settings) as app:
        await until_heard(outcome, "lost", 8)
        assert '"alarms":[]' in (await asked(app, "/readyz"))[1]
    assert await outcome.heard("lost") == [("lost", version) for version in range(1, 9)]
    async with outcome.database.transaction() as session:
        (entry,) = (await session.scalars(select(AuditEntry))).all()
    assert entry.action == "position.accept"
    assert (entry.detail["position"], entry.detail["accepted"]) == (5, 0)
    assert entry.detail["reason"] == "the cluster was set up anew"


async def test_a_position_is_accepted_without_a_restart(
    settings: ServiceSettings,
    outcome: Outcome,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Break: in `Subscription._watch`, do not look at the stops."""
    async with running(settings):
        await send(settings, "old", range(1, 6), ALARMED)
        await consumed(outcome, 5)
    await send(settings, "lost", range(1, 5), ALARMED)
    await remove_before(settings, 7)
    async with running(settings) as app:
        await stands_still(app, outcome, "events 5 to 6 left the topic unread")
        assert await accept(settings, monkeypatch) == "0"
        await until_heard(outcome, "lost", 2)
        assert '"alarms":[]' in (await asked(app, "/readyz"))[1]


async def test_a_topic_shortened_under_the_position_stands_still(
    settings: ServiceSettings, outcome: Outcome, kafka_server: KafkaServer
) -> None:
    async with running(settings):
        await send(settings, "old", range(1, 6), ALARMED)
        await consumed(outcome, 5)
    await make_anew(settings, kafka_server)
    await send(settings, "lost", range(1, 3), ALARMED)
    async with running(settings) as app:
        await stands_still(app, outcome, "the topic ends at 2, before our position 5")


async def test_events_that_left_the_topic_unread_are_not_jumped_over(
    settings: ServiceSettings, outcome: Outcome
) -> None:
    async with running(settings):
        await send(settings, "old", range(1, 6), ALARMED)
        await consumed(outcome, 5)
    await send(settings, "lost", range(1, 5), ALARMED)
    await remove_before(settings, 7)
    async with running(settings) as app:
        await stands_still(app, outcome, "events 5 to 6 left the topic unread")


async def test_events_that_leave_between_the_seek_and_the_fetch_are_not_jumped_over(
    settings: ServiceSettings, outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client then starts at the topic's new beginning by itself."""
    async with running(settings):
        await send(settings, "old", range(1, 6), ALARMED)
        await consumed(outcome, 5)
    await send(settings, "lost", range(1, 5), ALARMED)

    async def read_then_lose(*arguments: Any) -> Any:
        found = await read_positions(*arguments)
        await remove_before(settings, 7)
        return found

    monkeypatch.setattr("chassis.standing.read_positions", read_then_lose)
    async with running(settings) as app:
        await stands_still(app, outcome, "events 5 to 6 left the topic unread")


async def test_a_position_that_is_moved_while_it_is_read_is_no_alarm(
    settings: ServiceSettings, outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A member that does not know yet that it was expelled may deliver what has just come.

    Break: in `read_positions`, ask for the ends first.
    """
    async with running(settings):
        await send(settings, "k", range(1, 6), ALARMED)
        await consumed(outcome, 5)
    stored = positions._stored

    async def moved_meanwhile(*arguments: Any) -> Any:
        await send(settings, "k", range(6, 9), ALARMED)
        async with outcome.database.transaction() as session:
            moved = update(ConsumerPosition).where(ConsumerPosition.partition == ALARMED)
            await session.execute(moved.values(position=8))
        return await stored(*arguments)

    monkeypatch.setattr(positions, "_stored", moved_meanwhile)
    partition = (settings.topic_prefix + "billing", ALARMED)
    async with AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap_servers) as consumer:
        found = await read_positions(outcome.database, "tally", consumer, [partition])
    assert (found[partition].position, found[partition].alarm) == (8, None)


async def test_a_verified_event_that_alone_left_the_topic_is_no_loss(
    settings: ServiceSettings, outcome: Outcome
) -> None:
    async with running(settings):
        await send(settings, "old", range(1, 6), ALARMED)
        await consumed(outcome, 5)
    await send(settings, "kept", range(1, 5), ALARMED)
    await remove_before(settings, 5)
    async with running(settings) as app:
        await until_heard(outcome, "kept", 4)
        assert '"alarms":[]' in (await asked(app, "/readyz"))[1]


async def test_nothing_is_fetched_before_the_position_is_known(
    settings: ServiceSettings, outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client would begin where the group's own offset says, and be sought back from there.

    Break: do not pause what is assigned.
    """
    async with running(settings):
        await send(settings, "k", range(1, 6), ALARMED)
        await consumed(outcome, 5)
    handed: list[int] = []
    handed_too_early: list[list[int]] = []

    def noted(record: Any) -> Any:
        handed.append(record.offset)
        return message_of(record)

    async def slowly(*arguments: Any) -> Any:
        if not handed_too_early:  # a slow machine may have to seek again
            await send(settings, "k", range(6, 7), ALARMED)
        await asyncio.sleep(0.3)  # ten times what a fetch takes
        handed_too_early.append(list(handed))
        return await read_positions(*arguments)

    monkeypatch.setattr("chassis.subscription.message_of", noted)
    monkeypatch.setattr("chassis.standing.read_positions", slowly)
    async with running(settings):
        await consumed(outcome, 6)
    assert handed_too_early
    assert not handed_too_early[0]
    assert handed[:2] == [4, 5]  # the one before the position, to see that it is still the same


async def test_a_client_that_goes_back_is_not_sought_while_it_brings_what_is_known(
    settings: ServiceSettings, outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A seek asks Kafka and waits for the fetch under way: what has just come would wait, too.

    Break: in `Standing._is_next`, seek whatever begins too early.
    """
    async with running(settings) as app:
        await send(settings, "k", range(1, 6), ALARMED)
        await consumed(outcome, 5)
        standing = app.running.subscriptions[0].standing
        partition = (settings.topic_prefix + "billing", ALARMED)

        async def is_known() -> bool:  # the position moves when the commit is answered
            return standing.positions[partition][0] == 5

        await until(is_known)
        sought: list[Any] = []

        async def noted(*arguments: Any) -> Any:
            sought.append(arguments)
            return await read_positions(*arguments)

        monkeypatch.setattr("chassis.standing.read_positions", noted)
        ids = ["a", "b", "c", "d", standing.positions[partition][1], "new"]
        brought = [
            Message(*partition, position, "k", {"ce_id": event_id}, b"", NOW.timestamp())
            for position, event_id in enumerate(ids)
        ]
        ahead = await standing.next_in_line(brought)
        assert [message.event_id for message in ahead] == ["new"]
        assert sought == []


async def test_a_client_that_goes_back_delivers_nothing_twice(
    settings: ServiceSettings, outcome: Outcome
) -> None:
    async with running(settings) as app:
        await send(settings, "k", range(1, 6), ALARMED)
        await consumed(outcome, 5)
        target = TopicPartition(settings.topic_prefix + "billing", ALARMED)
        app.running.subscriptions[0].consumer.seek(target, 0)
        await send(settings, "k", range(6, 9), ALARMED)
        await consumed(outcome, 8)
    assert await outcome.heard("k") == [("k", version) for version in range(1, 9)]


async def test_nothing_is_fetched_of_an_abandoned_partition_before_it_is_sought(
    settings: ServiceSettings, outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came meanwhile would be dropped and fetched again. Break: do not pause in `forget`."""
    handed: list[tuple[int, int]] = []
    failed, sought = asyncio.Event(), asyncio.Event()
    deliver, seek_lost = Attempts.deliver_surely, Standing.seek_lost

    def noted(record: Any) -> Any:
        handed.append((record.partition, record.offset))
        return message_of(record)

    async def failing_once(attempts: Attempts, messages: list[Message]) -> None:
        if not failed.is_set():
            failed.set()
            raise RuntimeError("the broker did not answer")
        await deliver(attempts, messages)

    async def when_allowed(standing: Standing) -> None:
        await sought.wait()
        await seek_lost(standing)

    monkeypatch.setattr("chassis.subscription.message_of", noted)
    monkeypatch.setattr(Attempts, "deliver_surely", failing_once)
    monkeypatch.setattr(Standing, "seek_lost", when_allowed)
    async with running(settings) as app:
        await send(settings, "k", range(1, 2), ALARMED)
        await asyncio.wait_for(failed.wait(), 60)
        await send(settings, "k", range(2, 6), ALARMED)
        await send(settings, "flows", range(1, 4), ALARMED + 1)
        await until_heard(outcome, "flows", 3)
        await asyncio.sleep(0.5)  # ten times what a fetch takes
        assert [offset for partition, offset in handed if partition == ALARMED] == [0]
        sought.set()
        await until_heard(outcome, "k", 5)
        assert app.running.subscriptions[0].consumer.paused() == set()
    assert await outcome.heard("k") == [("k", version) for version in range(1, 6)]
