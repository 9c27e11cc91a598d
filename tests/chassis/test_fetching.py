"""Whatever a topic holds ends in parked, skipped or delivered, or stands with an alarm."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import UnsupportedCodecError
from aiokafka.record import default_records
from sqlalchemy import select

from chassis import cli
from chassis.app import basic_parts, service_app
from chassis.metrics import FETCH_FAILURES, POSITION_ALARMS
from chassis.parts import Parts, ServiceApp
from chassis.settings import ServiceSettings
from chassis.tables import AuditEntry, ParkedEvent
from testkit.door import Door
from tests.chassis.processes import Outcome, until
from tests.chassis.tally import counting, funds_moved

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
PARTITION = 1
STEP_OVER = "/internal/positions/step-over"
Headers = Sequence[tuple[str, bytes | None]]
pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


@pytest.fixture
def settings(settings: ServiceSettings) -> ServiceSettings:
    return settings.model_copy(update={"consumer_watch_seconds": 0.3})


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


def event_of(key: str, version: int = 1) -> tuple[bytes, list[tuple[str, bytes | None]]]:
    event = funds_moved(key, version, NOW)
    headers: list[tuple[str, bytes | None]] = [
        ("ce_id", str(event.event_id).encode()),
        ("ce_type", event.TYPE.encode()),
        ("ce_dataschema", event.data_schema.encode()),
    ]
    return event.model_dump_json().encode(), headers


@asynccontextmanager
async def producing(settings: ServiceSettings, **options: Any) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers, **options)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def send(
    settings: ServiceSettings,
    key: bytes | None,
    body: bytes | None,
    headers: Headers,
    partition: int = PARTITION,
    **options: Any,
) -> None:
    async with producing(settings, **options) as producer:
        topic = settings.topic_prefix + "billing"
        await producer.send_and_wait(topic, body, key, partition, headers=list(headers))


async def send_event(
    settings: ServiceSettings,
    key: str,
    version: int = 1,
    partition: int = PARTITION,
    **options: Any,
) -> None:
    body, headers = event_of(key, version)
    await send(settings, key.encode(), body, headers, partition, **options)


async def parked_by_key(outcome: Outcome) -> dict[str, ParkedEvent]:
    async with outcome.database.transaction() as session:
        return {one.key: one for one in await session.scalars(select(ParkedEvent))}


async def heard(outcome: Outcome, key: str, count: int = 1) -> None:
    async def there() -> bool:
        return len(await outcome.heard(key)) >= count

    await until(there)


def without(headers: Headers, name: str) -> list[tuple[str, bytes | None]]:
    return [one for one in headers if one[0] != name]


async def test_every_header_key_and_body_that_kafka_can_hold_ends_somewhere(
    settings: ServiceSettings, outcome: Outcome
) -> None:
    """Break: in `message_of`, read a header's value without looking whether it is null."""
    body, headers = event_of("k")
    await send(settings, b"null beside", event_of("null beside")[0],
               [*event_of("null beside")[1], ("note", None)])  # fmt: skip
    await send(settings, b"null type", body, [*without(headers, "ce_type"), ("ce_type", None)])
    await send(settings, b"null id", body, [*without(headers, "ce_id"), ("ce_id", None)])
    await send(settings, b"no headers", body, [])
    await send(settings, b"tombstone", None, headers)
    await send(settings, b"bytes \xff\xfe\x00", b"\x00\xff", [*headers, ("x", b"\xff\x00")])
    await send(settings, b"L" * 5000, b"{}", headers)
    await send(settings, b"deep", b"[" * 100_000, headers)
    await send(settings, b"number", b'{"amount":1e99999999}', headers)
    await send(settings, None, b"keyless", headers)
    await send(settings, b"type of bytes", body,
               [*without(headers, "ce_type"), ("ce_type", b"\xff\xfe")])  # fmt: skip
    await send(settings, b"schema of bytes", body,
               [*without(headers, "ce_dataschema"), ("ce_dataschema", b"\xff/.\x00")])  # fmt: skip
    await send(settings, b"wide", b"{}", [*headers, ("x" * 5000, b"y" * 500_000)])
    null_schema = event_of("null schema")
    await send(settings, b"null schema", null_schema[0],
               [*without(null_schema[1], "ce_dataschema"), ("ce_dataschema", None)])  # fmt: skip
    twice = event_of("twice")
    await send(settings, b"twice", twice[0], [("ce_id", b"7"), ("ce_type", b"no.such"), *twice[1]])
    await send_event(settings, "good")
    async with running(settings) as app:
        await heard(outcome, "good")
        assert app.running.subscriptions[0].progress.alarms == {}
    parked = await parked_by_key(outcome)
    delivered = {key for key, _ in await outcome.heard()}
    assert delivered == {"null beside", "null schema", "twice", "good"}
    assert set(parked) > {
        "null type", "null id", "no headers", "tombstone", "bytes \\xff\\xfe\\x00", "deep",
        "number", "wide", "schema of bytes",
    }  # fmt: skip
    assert "type of bytes" not in parked  # a type that nobody knows is skipped
    assert len(parked) == 11
    assert bytes(parked["tombstone"].body) == b""
    assert parked["null type"].headers["ce_type"] is None
    assert any(key.startswith("LLL") and "sha256" in key for key in parked)


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_every_codec_is_read(settings: ServiceSettings, outcome: Outcome, codec: str) -> None:
    """Break: leave `cramjam` out of the chassis's dependencies."""
    async with running(settings):
        await send_event(settings, codec, compression_type=codec)
        await send_event(settings, "plain")
        await heard(outcome, codec)
        await heard(outcome, "plain")


async def test_what_cannot_be_decoded_is_an_alarm_with_its_cure_and_goes_on_by_itself(
    settings: ServiceSettings,
    outcome: Outcome,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What stands before it is delivered, the other partitions flow, and nobody asks in a loop."""
    monkeypatch.setattr("chassis.standing.STOPPED_RETRY_SECONDS", 1.5)
    topic = settings.topic_prefix + "billing"
    failures = FETCH_FAILURES.labels("tally", topic, UnsupportedCodecError.__name__)
    alarm = POSITION_ALARMS.labels("tally", topic, str(PARTITION))
    await send_event(settings, "before", 1)
    await send_event(settings, "before", 2)
    await send_event(settings, "packed", compression_type="lz4")
    await send_event(settings, "packed", 2)
    with monkeypatch.context() as without_codec:
        without_codec.setattr(default_records.codecs, "has_lz4", lambda: False)
        async with running(settings) as app:
            await heard(outcome, "before", 2)
            progress = app.running.subscriptions[0].progress

            async def alarmed() -> bool:
                return bool(progress.alarms)

            await until(alarmed)
            (why,) = progress.alarms.values()
            assert "offset 2" in why
            assert "cramjam" in why
            assert alarm._value.get() == 1
            await send_event(settings, "elsewhere", partition=PARTITION + 1)
            await heard(outcome, "elsewhere")
            told = failures._value.get()
            await asyncio.sleep(2)
            assert failures._value.get() <= told + 2
            assert "cramjam" in capsys.readouterr().out + caplog.text
            without_codec.undo()
            await heard(outcome, "packed", 2)

            async def flows() -> bool:
                return not progress.alarms

            await until(flows)
            assert alarm._value.get() == 0
    assert await outcome.heard("before") == [("before", 1), ("before", 2)]
    assert await outcome.heard("packed") == [("packed", 1), ("packed", 2)]


async def typed(
    settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch, offset: int, reason: str
) -> str:
    """`tally positions step-over …` as a person types it; what the command ends with."""
    place = ["step-over", "billing", str(PARTITION), str(offset), "--reason", reason]
    monkeypatch.setattr(sys, "argv", ["tally", "positions", *place])
    build: Any = lambda _: service_app(basic_parts("tally", settings), routers=[])  # noqa: E731
    with pytest.raises(SystemExit) as ended:
        await asyncio.to_thread(cli.main, "tally", lambda: settings, build)  # type: ignore[arg-type]
    return str(ended.value.code)


async def test_one_offset_is_stepped_over_with_a_reason_and_without_a_restart(
    settings: ServiceSettings,
    outcome: Outcome,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await send_event(settings, "before")
    await send_event(settings, "packed", 1, compression_type="lz4")
    await send_event(settings, "packed", 2, compression_type="lz4")
    await send_event(settings, "after")
    monkeypatch.setattr(default_records.codecs, "has_lz4", lambda: False)
    async with running(settings) as app:
        progress = app.running.subscriptions[0].progress

        async def stands_at(offset: int) -> bool:
            return any(f"offset {offset}:" in why for why in progress.alarms.values())

        await until(partial(stands_at, 1))
        for wrong in (0, 2, 3, 99):
            assert await typed(settings, monkeypatch, wrong, "a try") == "1"
        assert await typed(settings, monkeypatch, 1, " ") == "1"
        assert "say why" in capsys.readouterr().err
        assert await typed(settings, monkeypatch, 1, "its codec is lost") == "0"
        await until(partial(stands_at, 2))
        step = {"stream": "billing", "partition": PARTITION, "offset": 2, "reason": "this too"}
        async with Door.of(app) as door:
            assert (await door.post(STEP_OVER, step)).json() == {"position": 3}
            await heard(outcome, "after")
            again = await door.post(STEP_OVER, step)
        assert again.status_code == 400, again.text
    async with outcome.database.transaction() as session:
        entries = (await session.scalars(select(AuditEntry).order_by(AuditEntry.id))).all()
    assert [entry.action for entry in entries] == ["position.step_over"] * 2
    assert [entry.detail["offset"] for entry in entries] == [1, 2]
    assert entries[0].detail["reason"] == "its codec is lost"
    assert await outcome.heard() == [("before", 1), ("after", 1)]
