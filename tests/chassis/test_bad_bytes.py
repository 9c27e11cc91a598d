"""What does not fit a contract is parked with its bytes; what is only newer is not bad."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError
from sqlalchemy import select

from chassis import outbox
from chassis.app import basic_parts, service_app
from chassis.metrics import UNKNOWN
from chassis.outbox import EventTooLargeError
from chassis.settings import ServiceSettings
from chassis.tables import ParkedEvent
from tests.chassis.processes import Outcome, until
from tests.chassis.tally import counting, funds_moved

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
TOO_LARGE_BYTES = 2_000_000
SKIPPED = UNKNOWN.labels("tally", "other")
pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


@pytest.fixture
async def outcome(settings: ServiceSettings) -> AsyncIterator[Outcome]:
    found = Outcome(settings)
    yield found
    await found.database.close()


@pytest.fixture
async def foreign(settings: ServiceSettings) -> AsyncIterator[AIOKafkaProducer]:
    """A producer that knows nothing of our contracts."""
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka_bootstrap_servers, max_request_size=2 * TOO_LARGE_BYTES
    )
    await producer.start()
    yield producer
    await producer.stop()


async def send(
    foreign: AIOKafkaProducer, settings: ServiceSettings, key: str, **changed: Any
) -> None:
    """An event with headers or body changed; a header of None is left out."""
    event = funds_moved(key, 1, NOW)
    body = changed.pop("body", event.model_dump_json().encode())
    headers = {
        "ce_type": event.TYPE,
        "ce_id": str(event.event_id),
        "ce_dataschema": event.data_schema,
    } | changed
    await foreign.send_and_wait(
        settings.topic_prefix + "billing",
        body,
        key=key.encode(),
        headers=[(name, value.encode()) for name, value in headers.items() if value is not None],
    )


async def settled(
    settings: ServiceSettings, outcome: Outcome, heard: int, parked: int, skipped: float = 0
) -> None:
    """Until that is there; what is skipped is counted only after its transaction."""
    app = service_app(basic_parts("tally", settings), routers=[], consumers=[counting()])
    async with app.router.lifespan_context(app):

        async def all_there() -> bool:
            effects = len(await outcome.heard())
            parked_now = await outcome.count(ParkedEvent)
            return effects >= heard and parked_now >= parked and SKIPPED._value.get() >= skipped

        await until(all_there)


async def test_missing_headers_and_wrong_bodies_are_parked_with_their_bytes_and_the_rest_flows(
    settings: ServiceSettings, outcome: Outcome, foreign: AIOKafkaProducer
) -> None:
    wrong = json.dumps({"amount": "much"}).encode()
    await send(foreign, settings, "no type", ce_type=None)
    await send(foreign, settings, "no id", ce_id=None)
    await send(foreign, settings, "bad id", ce_id="7")
    await send(foreign, settings, "wrong", body=wrong)
    await send(foreign, settings, "list", body=b"[]")
    await send(foreign, settings, "none", body=b"")
    await send(foreign, settings, "next major", ce_dataschema="billing.funds_moved/2.0")
    await send(foreign, settings, "good")
    await settled(settings, outcome, heard=1, parked=7)
    assert await outcome.heard() == [("good", 1)]
    async with outcome.database.transaction() as session:
        found = (await session.scalars(select(ParkedEvent))).all()
    parked = {event.key: event for event in found}
    assert set(parked) == {"no type", "no id", "bad id", "wrong", "list", "none", "next major"}
    assert bytes(parked["wrong"].body) == wrong
    assert "ce_type is missing" in str(parked["no type"].error)
    assert "the version billing.funds_moved/2.0" in str(parked["next major"].error)


async def test_a_newer_minor_version_is_accepted_and_an_unknown_type_skipped_and_counted(
    settings: ServiceSettings, outcome: Outcome, foreign: AIOKafkaProducer
) -> None:
    before = SKIPPED._value.get()
    grown = funds_moved("newer", 1, NOW).model_dump(mode="json") | {"not_known_here": [1]}
    await send(foreign, settings, "other", ce_type="billing.of_another_day")
    schema = "billing.funds_moved/1.99"
    await send(foreign, settings, "newer", ce_dataschema=schema, body=json.dumps(grown).encode())
    await settled(settings, outcome, heard=1, parked=0, skipped=before + 1)
    assert await outcome.heard() == [("newer", 1)]
    assert await outcome.count(ParkedEvent) == 0
    assert SKIPPED._value.get() == before + 1


async def test_two_megabytes_are_refused_before_the_commit_and_by_the_broker(
    settings: ServiceSettings, outcome: Outcome, foreign: AIOKafkaProducer
) -> None:
    """So that the relay never meets an event that it cannot send, which would block its key."""
    event = funds_moved("k", 1, NOW).model_copy(update={"reason": "x" * TOO_LARGE_BYTES})
    with pytest.raises(EventTooLargeError):
        async with outcome.database.transaction() as session:
            outbox.publish(session, event)
    with pytest.raises(MessageSizeTooLargeError):
        await send(foreign, settings, "k", body=b"x" * TOO_LARGE_BYTES)


async def test_the_largest_event_that_may_be_stated_arrives(
    settings: ServiceSettings, outcome: Outcome
) -> None:
    event = funds_moved("k", 1, NOW).model_copy(update={"reason": "x" * 899_000})
    async with outcome.database.transaction() as session:
        outbox.publish(session, event)
    await settled(settings, outcome, heard=1, parked=0)
    assert await outcome.heard() == [("k", 1)]
