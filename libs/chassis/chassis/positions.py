"""Positions live in the consumer's own database; the topic as Kafka has it is held against them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition
from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.crash import crash_point
from chassis.database import Database
from chassis.kafka import log_ends
from chassis.tables import ConsumerPosition


@dataclass(frozen=True, slots=True)
class Start:
    """Where to begin in a partition, or why not to."""

    position: int
    last_event: str | None
    beginning: int
    alarm: str | None = None


async def read_positions(
    database: Database, consumer: str, kafka_consumer: Any, partitions: Sequence[tuple[str, int]]
) -> dict[tuple[str, int], Start]:
    """The stored positions; a partition met for the first time starts at its beginning.

    A position outside what the topic holds is an alarm: events are missing, and nobody may jump
    over that silently.
    """
    if not partitions:
        return {}
    targets = [TopicPartition(*partition) for partition in partitions]
    beginnings = await kafka_consumer.beginning_offsets(targets)
    stored = await _stored(database, consumer, {tuple(tp): beginnings[tp] for tp in targets})
    # Asked last: a member that lost the partition unknowingly may still move the position.
    ends = await kafka_consumer.end_offsets(targets)
    if beyond := [tp for tp in targets if stored[(tp.topic, tp.partition)][0] > ends[tp]]:
        # A transaction that is still open ends what can be read, not the log.
        ends |= await log_ends(kafka_consumer, beyond)
    starts = {}
    for target in targets:
        position, last_event = stored[(target.topic, target.partition)]
        alarm = alarm_of(position, beginnings[target], ends[target])
        starts[(target.topic, target.partition)] = Start(
            position, last_event, beginnings[target], alarm
        )
    return starts


def alarm_of(position: int, beginning: int, end: int) -> str | None:
    """Why nobody may go on at the position, if so."""
    if position < beginning:
        return left_unread(position, beginning)
    if position > end:
        return f"the topic ends at {end}, before our position {position}"
    return None


def left_unread(position: int, beginning: int) -> str:
    """What an operator reads when retention was quicker than the consumer."""
    return f"events {position} to {beginning - 1} left the topic unread"


async def every_position(
    database: Database, consumer: str
) -> dict[tuple[str, int], tuple[int, str | None]]:
    """The positions of the whole group with the events before them, whichever member moves them."""
    table = ConsumerPosition
    columns = select(table.topic, table.partition, table.position, table.last_event)
    async with database.transaction() as session:
        found = await session.execute(columns.where(table.consumer == consumer))
        return {(topic, partition): (position, last) for topic, partition, position, last in found}


async def _stored(
    database: Database, consumer: str, beginnings: dict[Any, int]
) -> dict[tuple[str, int], tuple[int, str | None]]:
    """Read before anything is inserted: only a partition never met before takes a lock."""
    table = ConsumerPosition
    known = select(table.topic, table.partition, table.position, table.last_event).where(
        table.consumer == consumer, tuple_(table.topic, table.partition).in_(list(beginnings))
    )

    async def read(session: AsyncSession) -> dict[tuple[str, int], tuple[int, str | None]]:
        found = await session.execute(known)
        return {(topic, partition): (position, last) for topic, partition, position, last in found}

    async with database.transaction() as session:
        stored = await read(session)
        if len(stored) < len(beginnings):
            rows = [
                {"consumer": consumer, "topic": topic, "partition": number, "position": beginning}
                for (topic, number), beginning in sorted(beginnings.items())
                if (topic, number) not in stored
            ]
            await session.execute(insert(table).values(rows).on_conflict_do_nothing())
            crash_point("consumer.positioned")
            stored = await read(session)
        return stored
