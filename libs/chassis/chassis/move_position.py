"""A position is moved knowingly, and never by itself: accept one under alarm, or step over one.

A running consumer meets the moved position within its next look; it needs no restart.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.database import Database
from chassis.errors import BadFieldError, NotFoundError
from chassis.identity import Principal
from chassis.kafka import connection_arguments, log_ends
from chassis.positions import alarm_of, left_unread
from chassis.settings import ServiceSettings
from chassis.tables import ConsumerPosition

FIRST_SECONDS_MAX = 5.0


async def list_positions(settings: ServiceSettings, database: Database) -> list[dict[str, Any]]:
    """Each position beside what its topic holds; `alarm` says why a partition stands still.

    A topic made again that is longer than the old one shows only when its consumer starts, in
    `/readyz` and in the log.
    """
    table = ConsumerPosition
    async with database.transaction() as session:
        found = await session.scalars(
            select(table).order_by(table.consumer, table.topic, table.partition)
        )
        rows = found.all()
    async with _kafka(settings) as kafka:
        known = await kafka.topics()
        targets = {TopicPartition(r.topic, r.partition) for r in rows if r.topic in known}
        beginnings = await kafka.beginning_offsets(list(targets)) if targets else {}
        ends = await log_ends(kafka, list(targets)) if targets else {}
    listed = []
    for row in rows:
        target = TopicPartition(row.topic, row.partition)
        there = target in ends
        listed.append(
            {
                "consumer": row.consumer,
                "topic": row.topic,
                "partition": row.partition,
                "position": row.position,
                "beginning": beginnings.get(target),
                "end": ends.get(target),
                "moved_at": row.moved_at,
                "alarm": alarm_of(row.position, beginnings[target], ends[target])
                if there
                else "the topic is not there",
            }
        )
    return listed


async def accept_position(
    settings: ServiceSettings,
    database: Database,
    principal: Principal,
    now: datetime,
    *,
    consumer: str,
    topic: str,
    partition: int,
    reason: str,
) -> int:
    """Go on at the topic's beginning, as it is now.

    What it has consumed before is known by its id and has no effect twice. The old position stands
    in the audit log.

    Raises:
        NotFoundError: no such position.
        BadFieldError: no reason is given.

    """
    _checked(reason)
    target = TopicPartition(topic, partition)
    async with _kafka(settings) as kafka:
        if topic not in await kafka.topics():
            raise NotFoundError(f"no topic {topic}")
        beginning = int((await kafka.beginning_offsets([target]))[target])
    async with database.transaction() as session:
        position = await _locked(session, consumer, topic, partition)
        audit.record(
            session,
            principal,
            "position.accept",
            f"{consumer} {topic}-{partition}",
            now,
            reason=reason,
            position=position.position,
            last_event=position.last_event,
            accepted=beginning,
        )
        position.position, position.last_event, position.moved_at = beginning, None, now
    return beginning


async def step_over_position(
    settings: ServiceSettings,
    database: Database,
    principal: Principal,
    now: datetime,
    *,
    stream: str,
    partition: int,
    offset: int,
    reason: str,
    consumer: str | None = None,
) -> int:
    """Leave exactly one offset out, the next one of the consumer; answers the new position.

    For what can neither be read nor parked. `stream` may be the whole topic's name; `consumer` is
    asked for where the service has several of the stream.

    Raises:
        NotFoundError: no such position.
        BadFieldError: no reason is given, or the consumer does not stand there.

    """
    _checked(reason)
    topic = settings.topic_prefix + stream.removeprefix(settings.topic_prefix)
    consumer = consumer or await _only_consumer(database, topic, partition)
    target = TopicPartition(topic, partition)
    async with database.transaction() as session:
        stands_at = (await _locked(session, consumer, topic, partition)).position
    async with _kafka(settings) as kafka:
        if topic not in await kafka.topics():
            raise NotFoundError(f"no topic {topic}")
        await _refuse_unless_next(kafka, target, stands_at, offset)
    async with database.transaction() as session:
        position = await _locked(session, consumer, topic, partition)
        if position.position != stands_at:
            raise BadFieldError("offset", f"{consumer} went on to {position.position}")
        audit.record(
            session,
            principal,
            "position.step_over",
            f"{consumer} {topic}-{partition}",
            now,
            reason=reason,
            offset=offset,
            position=position.position,
            last_event=position.last_event,
        )
        position.position, position.last_event, position.moved_at = offset + 1, None, now
    return offset + 1


async def _refuse_unless_next(
    kafka: AIOKafkaConsumer, target: TopicPartition, position: int, offset: int
) -> None:
    """Nothing that can be delivered may lie between, and there must be something to step over."""
    beginning = (await kafka.beginning_offsets([target]))[target]
    end = (await kafka.end_offsets([target]))[target]
    if position < beginning:
        raise BadFieldError("offset", f"{left_unread(position, beginning)}; accept the position")
    if not position <= offset < end:
        raise BadFieldError("offset", f"the consumer stands at {position}, the topic ends at {end}")
    first = await _first_from(kafka, target, position, offset)
    if first is not None and first < offset:
        raise BadFieldError("offset", f"the event at {first} would be left out, too")


async def _first_from(
    kafka: AIOKafkaConsumer, target: TopicPartition, position: int, until: int
) -> int | None:
    """The first event from the position on, or what cannot be read; None: there are marks alone."""
    kafka.assign([target])
    kafka.seek(target, position)
    try:
        async with asyncio.timeout(FIRST_SECONDS_MAX):
            while await kafka.position(target) <= until:
                found = await kafka.getmany(timeout_ms=500, max_records=1)
                for record in found.get(target, ()):
                    return int(record.offset)
    except Exception:
        # Whatever decoding raises: that is what is to be stepped over.
        return int(await kafka.position(target))
    return None


async def _only_consumer(database: Database, topic: str, partition: int) -> str:
    table = ConsumerPosition
    of_the_partition = select(table.consumer).where(
        table.topic == topic, table.partition == partition
    )
    async with database.transaction() as session:
        found = (await session.scalars(of_the_partition)).all()
    if not found:
        raise NotFoundError(f"no position in {topic}-{partition}")
    if len(found) > 1:
        raise BadFieldError("consumer", f"say which: {', '.join(sorted(found))}")
    return found[0]


async def _locked(
    session: AsyncSession, consumer: str, topic: str, partition: int
) -> ConsumerPosition:
    key = (consumer, topic, partition)
    position = await session.get(ConsumerPosition, key, with_for_update=True)
    if position is None:
        raise NotFoundError(f"no position of {consumer} in {topic}-{partition}")
    return position


def _checked(reason: str) -> None:
    if not reason.strip():
        raise BadFieldError("reason", "say why", "请说明原因")


@asynccontextmanager
async def _kafka(settings: ServiceSettings) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of no group, to ask what the topics hold."""
    consumer = AIOKafkaConsumer(
        isolation_level="read_committed",
        enable_auto_commit=False,
        **connection_arguments(settings),
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()
