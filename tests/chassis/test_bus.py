"""From a committed row to an effect elsewhere, on the real PostgreSQL and the real Kafka."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from sqlalchemy import func, select, text

from chassis import delivery, outbox
from chassis.app import basic_parts, service_app
from chassis.attempts import Attempts
from chassis.consumers import Consumers
from chassis.database import EventSession
from chassis.delivery import Delivery
from chassis.messages import Message
from chassis.parking import park
from chassis.parts import Parts, ServiceApp
from chassis.settings import ServiceSettings
from chassis.tables import ConsumerPosition, OutboxRow, ParkedEvent
from contracts.billing import BillingFundsMoved
from contracts.event import Event
from testkit.servers import KafkaServer
from tests.chassis.processes import until
from tests.chassis.tally import Heard, counting, funds_moved, state

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


async def heard(app: ServiceApp[Parts]) -> list[tuple[str, int]]:
    async with app.parts.database.transaction() as session:
        rows = await session.execute(select(Heard.key, Heard.version).order_by(Heard.id))
        return [(key, version) for key, version in rows]


async def waiting(app: ServiceApp[Parts], table: type) -> int:
    async with app.parts.database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


async def test_every_fact_arrives_once_and_in_the_order_of_its_key(
    settings: ServiceSettings,
) -> None:
    app = service_app(basic_parts("tally", settings), routers=[], consumers=[counting()])
    async with app.router.lifespan_context(app):
        await asyncio.gather(
            *(state(app.parts.database, f"k{n}", range(1, 26), NOW) for n in range(8))
        )

        async def all_there() -> bool:
            return len(await heard(app)) >= 200

        await until(all_there)
        rows = await heard(app)
        for n in range(8):
            assert [version for key, version in rows if key == f"k{n}"] == list(range(1, 26))
        assert len(rows) == 200

        async def outbox_empty() -> bool:
            return await waiting(app, OutboxRow) == 0

        await until(outbox_empty)


async def test_a_restarted_consumer_goes_on_at_its_position(settings: ServiceSettings) -> None:
    for first in (1, 11):
        app = service_app(basic_parts("tally", settings), routers=[], consumers=[counting()])
        async with app.router.lifespan_context(app):
            await state(app.parts.database, "k", range(first, first + 10), NOW)

            async def all_there(app: ServiceApp[Parts] = app, last: int = first + 9) -> bool:
                return ("k", last) in await heard(app)

            await until(all_there)
            rows = await heard(app)
            assert [version for _, version in rows] == list(range(1, first + 10))


async def test_what_a_replica_that_ends_had_flows_on_within_seconds(
    settings: ServiceSettings,
) -> None:
    """With the sessions of a deployment: 45 s. It takes a second or so.

    Break: in `Subscription`, let only the session's length say how often there is a heartbeat.
    """
    lasting = settings.model_copy(update={"consumer_session_seconds": 45.0})
    stays, leaves = (
        service_app(basic_parts("tally", lasting), routers=[], consumers=[counting()])
        for _ in range(2)
    )

    async def both_have_some() -> bool:
        return all(app.running.subscriptions[0].positions for app in (stays, leaves))

    async with stays.router.lifespan_context(stays):
        async with leaves.router.lifespan_context(leaves):
            await until(both_have_some)
        keys = [f"k{n}" for n in range(12)]  # in each of the three partitions
        for key in keys:
            await state(stays.parts.database, key, range(1, 2), NOW)

        async def all_there() -> bool:
            return len(await heard(stays)) == len(keys)

        await until(all_there, seconds=6)


async def test_a_poisoned_key_is_parked_and_the_others_flow_on(settings: ServiceSettings) -> None:
    app = service_app(basic_parts("tally", settings), routers=[], consumers=[counting()])
    async with app.router.lifespan_context(app):
        async with app.parts.database.transaction() as session:
            outbox.publish(
                session, funds_moved("good", 1, NOW), funds_moved("bad", 1, NOW, "-1.00")
            )
            outbox.publish(session, funds_moved("bad", 2, NOW), funds_moved("good", 2, NOW))

        async def settled() -> bool:
            return await waiting(app, ParkedEvent) == 2 and len(await heard(app)) == 2

        await until(settled)
        assert await heard(app) == [("good", 1), ("good", 2)]
        async with app.parts.database.transaction() as session:
            parked = (await session.scalars(select(ParkedEvent).order_by(ParkedEvent.id))).all()
        assert [event.key for event in parked] == ["bad", "bad"]
        assert "a tally cannot count -1.00" in str(parked[0].error)
        assert parked[1].error is None


def refusing(whole: bool) -> Consumers:
    """Consumers that count all but negative amounts, one by one or by whole batches."""
    if not whole:
        return counting()
    consumers = Consumers("tally")

    @consumers.on_batch(BillingFundsMoved)
    async def on_batch(events: Sequence[Event], session: EventSession) -> None:
        for event in events:
            assert isinstance(event, BillingFundsMoved)
            if event.amount < 0:
                raise ValueError("one of these cannot be counted")
            session.add(Heard(key=event.owner_id, version=event.version, amount=event.amount))

    return consumers


@pytest.mark.parametrize(("whole", "more_at_most"), [(False, 5), (True, 19)])
async def test_a_poisoned_event_is_found_in_few_transactions(
    settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch, whole: bool, more_at_most: int
) -> None:
    """Break: let `_cut` answer each message by itself, or not look at the suspect."""
    calls = Counter[str]()

    def count_calls(owner: type, method: str) -> None:
        original = getattr(owner, method)

        def counted(*args: Any, **named: Any) -> Any:
            calls[method] += 1
            return original(*args, **named)

        monkeypatch.setattr(owner, method, counted)

    count_calls(Attempts, "deliver_surely")
    count_calls(Delivery, "deliver")
    facts = [funds_moved(f"k{n}", 1, NOW, "-1.00" if n == 77 else "1.00") for n in range(300)]
    app = service_app(basic_parts("tally", settings), routers=[], consumers=[refusing(whole)])
    async with app.router.lifespan_context(app):
        async with app.parts.database.transaction() as session:
            outbox.publish(session, *facts)

        async def settled() -> bool:
            return await waiting(app, ParkedEvent) == 1 and len(await heard(app)) == 299

        await until(settled)
    assert 1 <= calls["deliver"] - calls["deliver_surely"] <= more_at_most, calls


async def test_nothing_is_read_anew_for_each_poisoned_event_before_it(
    settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Break: let `_cut` leave what follows the suspect in one piece."""
    original, lengths = Delivery.deliver, list[int]()

    async def deliver(
        self: Delivery, messages: Sequence[Message], *told: Any, **named: Any
    ) -> None:
        lengths.append(len(messages))
        await original(self, messages, *told, **named)

    monkeypatch.setattr(Delivery, "deliver", deliver)
    facts = [funds_moved(f"k{n}", 1, NOW, "-1.00") for n in range(300)]
    app = service_app(basic_parts("tally", settings), routers=[], consumers=[counting()])
    async with app.router.lifespan_context(app):
        async with app.parts.database.transaction() as session:
            outbox.publish(session, *facts)

        async def parked() -> bool:
            return await waiting(app, ParkedEvent) == 300

        await until(parked)
    assert sum(lengths) <= 300 * 12, lengths  # halving; one by one it were 150 times each


async def test_what_cannot_even_be_parked_is_not_passed_over(
    settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Break: in `Attempts._park`, do not look at what `_attempt` answers."""
    failures = iter(["no room"])

    async def failing_once(*told: Any) -> None:
        for failure in failures:
            raise ValueError(failure)
        await park(*told)

    monkeypatch.setattr(delivery, "park", failing_once)
    app = service_app(basic_parts("tally", settings), routers=[], consumers=[counting()])
    async with app.router.lifespan_context(app):
        async with app.parts.database.transaction() as session:
            outbox.publish(session, funds_moved("k", 1, NOW, "-1.00"), funds_moved("k", 2, NOW))

        async def parked() -> bool:
            return await waiting(app, ParkedEvent) == 2

        await until(parked)
        assert await heard(app) == []


async def test_a_handler_s_own_failing_file_or_socket_is_tried_a_few_times_and_parked(
    settings: ServiceSettings,
) -> None:
    """Break: in `failure_of`, count an `OSError` as the database's absence."""
    tries = 0
    consumers = Consumers("tally")

    @consumers.on(BillingFundsMoved)
    async def on_funds_moved(event: BillingFundsMoved, session: EventSession) -> None:
        nonlocal tries
        if event.owner_id == "bad":
            tries += 1
            raise FileNotFoundError("no such table of rates")
        session.add(Heard(key=event.owner_id, version=event.version, amount=event.amount))

    few = settings.model_copy(update={"consumer_retries": 1})
    app = service_app(basic_parts("tally", few), routers=[], consumers=[consumers])
    async with app.router.lifespan_context(app):
        async with app.parts.database.transaction() as session:
            outbox.publish(session, funds_moved("bad", 1, NOW), funds_moved("good", 1, NOW))

        async def settled() -> bool:
            return await waiting(app, ParkedEvent) == 1 and await heard(app) == [("good", 1)]

        await until(settled)
        assert tries >= 2
        async with app.parts.database.transaction() as session:
            error = await session.scalar(select(ParkedEvent.error))
        assert error == "FileNotFoundError: no such table of rates"


async def test_a_database_that_goes_away_again_and_again_parks_nothing(
    settings: ServiceSettings,
) -> None:
    """More often than a conflict is tried again. Break: let `says_away` answer False."""
    endings = iter(range(4))
    consumers = Consumers("tally")

    @consumers.on(BillingFundsMoved)
    async def on_funds_moved(event: BillingFundsMoved, session: EventSession) -> None:
        if next(endings, None) is not None:
            await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        session.add(Heard(key=event.owner_id, version=event.version, amount=event.amount))

    few = settings.model_copy(update={"consumer_retries": 1})
    app = service_app(basic_parts("tally", few), routers=[], consumers=[consumers])
    async with app.router.lifespan_context(app):
        await state(app.parts.database, "k", range(1, 2), NOW)

        async def done() -> bool:
            return await heard(app) == [("k", 1)]

        await until(done)
        assert next(endings, None) is None
        assert await waiting(app, ParkedEvent) == 0


async def test_an_error_that_no_column_can_hold_is_parked_with_its_event(
    settings: ServiceSettings,
) -> None:
    """Break: in `error_text`, leave NUL or half a character as they are."""
    consumers = Consumers("tally")

    @consumers.on(BillingFundsMoved)
    async def on_funds_moved(_event: BillingFundsMoved, _session: EventSession) -> None:
        raise ValueError("NUL \x00, half \ud800")

    app = service_app(basic_parts("tally", settings), routers=[], consumers=[consumers])
    async with app.router.lifespan_context(app):
        await state(app.parts.database, "k", range(1, 2), NOW)

        async def parked() -> bool:
            return await waiting(app, ParkedEvent) == 1

        await until(parked)
        async with app.parts.database.transaction() as session:
            error = await session.scalar(select(ParkedEvent.error))
        assert error == r"ValueError: NUL \x00, half \ud800"


async def test_bad_bytes_are_parked_with_their_bytes_and_nothing_stops(
    settings: ServiceSettings, kafka_server: KafkaServer
) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka_server.bootstrap)
    await producer.start()
    topic = settings.topic_prefix + "billing"
    await producer.send_and_wait(topic, b"\xff\xfe no json", key=b"\xff")
    await producer.send_and_wait(
        topic, b"{}", key=b"x", headers=[("ce_type", b"billing.funds_moved"), ("bad\x00", b"\xff")]
    )
    await producer.stop()
    app = service_app(basic_parts("tally", settings), routers=[], consumers=[counting()])
    async with app.router.lifespan_context(app):
        await state(app.parts.database, "good", range(1, 3), NOW)

        async def settled() -> bool:
            return await waiting(app, ParkedEvent) == 2 and len(await heard(app)) == 2

        await until(settled)
        async with app.parts.database.transaction() as session:
            bodies = (await session.scalars(select(ParkedEvent.body))).all()
            assert {bytes(body) for body in bodies} == {b"\xff\xfe no json", b"{}"}
            positions = await session.scalars(select(func.sum(ConsumerPosition.position)))
            assert positions.one() == 4


async def test_two_replicas_under_one_name_say_so(
    settings: ServiceSettings,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """They throw each other out for ever. Break: do not count the assignments."""
    named = settings.model_copy(update={"consumer_instance_id": "pod"})
    apps = [
        service_app(basic_parts("tally", named), routers=[], consumers=[counting()])
        for _ in range(2)
    ]
    written = ""

    async def told() -> bool:
        nonlocal written
        written += capsys.readouterr().out
        return "same CONSUMER_INSTANCE_ID" in written + caplog.text

    async with (
        apps[0].router.lifespan_context(apps[0]),
        apps[1].router.lifespan_context(apps[1]),
    ):
        await until(told)
