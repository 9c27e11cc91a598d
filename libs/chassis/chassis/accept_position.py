"""An alarmed position is accepted knowingly, and never by itself: list them, accept one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from sqlalchemy import select

from chassis import audit
from chassis.database import Database
from chassis.errors import BadFieldError, NotFoundError
from chassis.identity import Principal
from chassis.kafka import connection_arguments
from chassis.positions import alarm_of
from chassis.settings import ServiceSettings
from chassis.tables import ConsumerPosition


async def list_positions(settings: ServiceSettings, database: Database) -> list[dict[str, Any]]:
    """Each position beside what its topic holds; `alarm` says why a partition stands still.

    A topic made anew that is longer than the old one shows only when its consumer starts, in
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
        ends = await kafka.end_offsets(list(targets)) if targets else {}
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
    """Go on at the topic's beginning, as it is now; the consumer does so at its next start.

    What it has consumed before is known by its id and has no effect twice. The old position stands
    in the audit log.

    Raises:
        NotFoundError: no such position.
        BadFieldError: no reason is given.

    """
    if not reason.strip():
        raise BadFieldError("reason", "say why")
    target = TopicPartition(topic, partition)
    async with _kafka(settings) as kafka:
        if topic not in await kafka.topics():
            raise NotFoundError(f"no topic {topic}")
        beginning = int((await kafka.beginning_offsets([target]))[target])
    async with database.transaction() as session:
        key = (consumer, topic, partition)
        position = await session.get(ConsumerPosition, key, with_for_update=True)
        if position is None:
            raise NotFoundError(f"no position of {consumer} in {topic}-{partition}")
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


@asynccontextmanager
async def _kafka(settings: ServiceSettings) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of no group, to ask what the topics hold."""
    consumer = AIOKafkaConsumer(**connection_arguments(settings))
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()
