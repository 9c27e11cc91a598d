"""Parking by key: an event that keeps failing waits with its later siblings; all else flows on.

A key's row in `parked_keys` is locked by a delivery to it or a release of it, so that an event
which arrives while the last parked one is replayed is handled after it, never before (decision
0005).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.messages import Message
from chassis.tables import ParkedEvent, ParkedKey
from contracts.event import Event

ERROR_CHARACTERS_MAX = 4000

_WAITING = text("""
    SELECT stream, key FROM parked_keys
    WHERE consumer = :consumer AND (stream, key) IN (
        SELECT * FROM unnest(cast(:streams AS text[]), cast(:keys AS text[])))
    ORDER BY stream, key FOR UPDATE
""")


async def parked_keys(
    session: AsyncSession, consumer: str, messages: Sequence[Message]
) -> set[tuple[str, str]]:
    """Which of the messages' keys wait, as (topic, key); their rows are locked until the commit."""
    if not messages:
        return set()
    found = await session.execute(
        _WAITING,
        {
            "consumer": consumer,
            "streams": [message.topic for message in messages],
            "keys": [message.key for message in messages],
        },
    )
    return {(topic, key) for topic, key in found}


async def look_at_waiting(session: AsyncSession, consumer: str) -> tuple[int, int, datetime | None]:
    """How many keys of the consumer wait, how many events in them, and since when the oldest."""
    keys = select(func.count()).select_from(ParkedKey).where(ParkedKey.consumer == consumer)
    since = func.min(func.coalesce(ParkedEvent.sent_at, ParkedEvent.parked_at))
    events = select(keys.scalar_subquery(), func.count(), since).where(
        ParkedEvent.consumer == consumer, ParkedEvent.state == "waiting"
    )
    keys_waiting, events_waiting, oldest = (await session.execute(events)).one()
    return keys_waiting, events_waiting, oldest


def error_text(error: str) -> str:
    """The error as a column can hold it: a handler's words may quote NUL or half a character."""
    whole = error.encode("utf-8", "backslashreplace").decode()
    return whole.replace("\x00", "\\x00")[:ERROR_CHARACTERS_MAX]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message to be parked; its error is None when it waits for another.

    `event` is what it says, where it can be read.
    """

    message: Message
    error: str | None
    event: Event | None = None


async def park(session: AsyncSession, consumer: str, waiting: Sequence[Waiting]) -> None:
    """Put each message at the end of its key's queue.

    However many they are: a key's later events come with every batch, and must not slow it down.
    """
    if not waiting:
        return
    keys = sorted({(one.message.topic, one.message.key) for one in waiting})
    await session.execute(
        insert(ParkedKey)
        .values([{"consumer": consumer, "stream": topic, "key": key} for topic, key in keys])
        .on_conflict_do_nothing()
    )
    session.add_all(_row(consumer, one) for one in waiting)
    await session.flush()


def _row(consumer: str, waiting: Waiting) -> ParkedEvent:
    message, event = waiting.message, waiting.event
    row = ParkedEvent(
        consumer=consumer,
        stream=message.topic,
        key=message.key,
        partition=message.partition,
        position=message.position,
        event_id=message.event_id,
        event_type=message.event_type,
        headers=message.headers,
        body=message.body,
        error=error_text(waiting.error) if waiting.error else None,
        attempts=1 if waiting.error else 0,
        sent_at=datetime.fromtimestamp(message.sent_at_seconds, UTC),
        partner_id=message.headers.get("ce_partnerid"),
    )
    if event is not None:
        row.partner_id, row.distributor_id = event.partner_id, event.distributor_id
    return row
