"""What a process counts and measures of itself: its bus, its event loop, its answers."""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import httpx
import pytest
from aiokafka import AIOKafkaProducer
from fastapi import APIRouter
from prometheus_client import REGISTRY, Counter, Gauge

from chassis import health
from chassis.app import basic_parts, service_app
from chassis.consumers import Consumers
from chassis.database import EventSession
from chassis.errors import NotFoundError
from chassis.health import LOOP_WATCH_SECONDS
from chassis.metrics import (
    CONSUMED,
    DUPLICATES,
    FENCED,
    LOOP_LAG,
    REFUSALS,
    RELAY_SLOTS,
    RELAYED,
    RETRIES,
)
from chassis.outbox import SLOTS
from chassis.settings import ServiceSettings
from contracts.billing import BillingFundsMoved
from contracts.event import Event
from tests.chassis.processes import Outcome, until
from tests.chassis.tally import Heard, counting, funds_moved, state

NAME = "counted_tally"
NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
BLOCKED_SECONDS = 2.0
ATTEMPTS = 10
pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


def count(metric: Counter | Gauge) -> float:
    return float(metric._value.get())


async def send_twice(settings: ServiceSettings, event: BillingFundsMoved) -> None:
    """As a relay does that was killed between send and delete."""
    headers = {
        "ce_type": event.TYPE,
        "ce_id": str(event.event_id),
        "ce_dataschema": event.data_schema,
    }
    pairs = [(name, value.encode()) for name, value in headers.items()]
    async with AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers) as producer:
        for _ in range(2):
            await producer.send_and_wait(
                settings.topic_prefix + "billing",
                event.model_dump_json().encode(),
                key=event.owner_id.encode(),
                headers=pairs,
            )


async def test_what_is_sent_taken_and_met_twice_is_counted(settings: ServiceSettings) -> None:
    taken = CONSUMED.labels(NAME, BillingFundsMoved.TYPE)
    doubles = DUPLICATES.labels(NAME)
    sent_before, taken_before, doubles_before = count(RELAYED), count(taken), count(doubles)
    app = service_app(basic_parts("tally", settings), routers=[], consumers=[counting(NAME)])
    async with app.router.lifespan_context(app):
        outcome = Outcome(settings)
        await state(app.parts.database, "k", range(1, 7), NOW)
        await outcome.settled("k", 6)
        await send_twice(settings, funds_moved("twice", 1, NOW))

        async def counted() -> bool:
            return count(doubles) == doubles_before + 1

        await until(counted)
        assert await outcome.heard("twice") == [("twice", 1)]
        assert count(RELAYED) == sent_before + 6
        assert count(taken) == taken_before + 7
        await outcome.database.close()


async def test_a_batch_tried_again_is_counted_each_time(settings: ServiceSettings) -> None:
    """The network is away twice, then it is there: two retries, one effect."""
    consumers, failures = Consumers(NAME), [ConnectionError(), ConnectionError()]

    @consumers.on(BillingFundsMoved)
    async def on_funds_moved(event: BillingFundsMoved, session: EventSession) -> None:
        if failures:
            raise failures.pop()
        session.add(Heard(key=event.owner_id, version=event.version, amount=event.amount))

    retries = RETRIES.labels(NAME)
    before = count(retries)
    app = service_app(basic_parts("tally", settings), routers=[], consumers=[consumers])
    async with app.router.lifespan_context(app):
        outcome = Outcome(settings)
        await state(app.parts.database, "k", range(1, 2), NOW)
        await outcome.settled("k", 1)
        assert count(retries) == before + 2
        await outcome.database.close()


async def test_a_batch_from_a_position_that_is_not_the_databases_is_counted_as_fenced(
    settings: ServiceSettings,
) -> None:
    """The member believes to stand one event earlier than the database knows.

    What it fetched while it was started may make it seek, and so learn the truth, once or twice.
    """
    fenced = FENCED.labels(NAME)
    before = count(fenced)
    app = service_app(basic_parts("tally", settings), routers=[], consumers=[counting(NAME)])
    async with app.router.lifespan_context(app):
        outcome = Outcome(settings)
        await state(app.parts.database, "k", range(1, 4), NOW)
        await outcome.settled("k", 3)
        (subscription,) = app.running.subscriptions
        for version in range(4, 4 + ATTEMPTS):
            for partition, (position, last_event) in list(subscription.positions.items()):
                subscription.positions[partition] = (position - 1, last_event)
            await state(app.parts.database, "k", range(version, version + 1), NOW)
            await outcome.settled("k", version)
            if count(fenced) > before:
                break
        assert count(fenced) == before + 1
        await outcome.database.close()


async def test_the_relays_slots_are_shown_while_it_holds_them(settings: ServiceSettings) -> None:
    RELAY_SLOTS.set(-1)
    app = service_app(basic_parts("tally", settings), routers=[])
    async with app.router.lifespan_context(app):

        async def all_held() -> bool:
            return count(RELAY_SLOTS) == SLOTS

        await until(all_held)
    assert count(RELAY_SLOTS) == 0


async def test_a_blocked_event_loop_shows_as_long_as_it_is_told(
    settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "LOOP_LAG_KEPT_SECONDS", 3.0)
    app = service_app(basic_parts("tally", settings), routers=[])
    async with app.router.lifespan_context(app):
        LOOP_LAG.set(-1)

        async def watched() -> bool:
            return 0 <= count(LOOP_LAG) < BLOCKED_SECONDS - LOOP_WATCH_SECONDS

        await until(watched, 30)
        time.sleep(BLOCKED_SECONDS)  # noqa: ASYNC251 - that is the fault

        async def late() -> bool:
            return count(LOOP_LAG) >= BLOCKED_SECONDS - LOOP_WATCH_SECONDS

        await until(late, 10)
        await asyncio.sleep(1.5 * LOOP_WATCH_SECONDS)
        assert await late()  # the loop runs again, and it is told yet
        await until(watched, 30)


async def test_answers_are_measured_by_route_and_refusals_counted_by_code(
    settings: ServiceSettings,
) -> None:
    router = APIRouter()

    @router.get("/api/things/{thing_id}")
    async def get_thing(thing_id: str) -> str:
        if thing_id == "none":
            raise NotFoundError
        return thing_id

    def answered(route: str, status: int, method: str = "GET") -> float:
        told = {"route": route, "method": method, "status": str(status)}
        return REGISTRY.get_sample_value("channelbus_request_seconds_count", told) or 0.0

    cases = [("/api/things/{thing_id}", 200), ("/api/things/{thing_id}", 404), ("unrouted", 404)]
    refusals = [REFUSALS.labels(code) for code in ("CHB.0404", "APIGW.0101")]
    before = [answered(*case) for case in cases], [count(refusal) for refusal in refusals]
    transport = httpx.ASGITransport(
        app=service_app(basic_parts("tally", settings), routers=[router])
    )
    async with httpx.AsyncClient(transport=transport, base_url="http://tally") as client:
        for path in ("/api/things/1", "/api/things/2", "/api/things/none", "/api/nowhere/1"):
            await client.get(path)
    assert [answered(*case) for case in cases] == [before[0][0] + 2, before[0][1] + 1,
                                                   before[0][2] + 1]  # fmt: skip
    assert [count(refusal) for refusal in refusals] == [one + 1 for one in before[1]]


async def test_methods_that_do_not_exist_are_measured_as_one(settings: ServiceSettings) -> None:
    """Break: take the client's own word for the label, and it makes as many series as it likes."""
    transport = httpx.ASGITransport(app=service_app(basic_parts("tally", settings), routers=[]))
    async with httpx.AsyncClient(transport=transport, base_url="http://tally") as client:
        for method in ("BREW", "WHEN"):
            await client.request(method, "/api/nowhere")
    methods = {
        sample.labels["method"]
        for metric in REGISTRY.collect()
        if metric.name == "channelbus_request_seconds"
        for sample in metric.samples
    }
    assert "OTHER" in methods
    assert not methods & {"BREW", "WHEN"}


async def test_a_batch_that_is_tried_again_counts_its_doubles_once(
    settings: ServiceSettings,
) -> None:
    """Break: count in `Delivery._not_seen`, before it is known whether the transaction commits."""
    consumers = counting(NAME)
    failures = iter([1, 2])
    handle = consumers.handle

    async def failing_twice(events: Sequence[Event], session: EventSession) -> None:
        await handle(events, session)
        if next(failures, None):
            raise OSError("away")

    consumers.handle = failing_twice  # type: ignore[method-assign]
    doubles = DUPLICATES.labels(NAME)
    before = count(doubles)
    fact, other = funds_moved("twice", 1, NOW), funds_moved("once", 1, NOW)
    await send_twice(settings, fact)
    await send_twice(settings, other)
    app = service_app(basic_parts("tally", settings), routers=[], consumers=[consumers])
    async with app.router.lifespan_context(app):
        outcome = Outcome(settings)

        async def all_heard() -> bool:
            return count(doubles) >= before + 2 and len(await outcome.heard()) == 2

        await until(all_heard)
        assert count(doubles) == before + 2
        await outcome.database.close()
