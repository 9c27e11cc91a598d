"""Parking by key: an event that keeps failing waits with its later siblings; all else flows on.

A key's row in `parked_keys` is locked by a delivery to it or a release of it, so that an event
which arrives while the last parked one is replayed is handled after it, never before (decision
0005).
"""

from collections.abc import Sequence

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.messages import Message
from chassis.tables import ParkedEvent, ParkedKey

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


async def count_waiting(session: AsyncSession, consumer: str) -> tuple[int, int]:
    """How many keys of the consumer wait, and how many events in them."""
    keys = select(func.count()).select_from(ParkedKey).where(ParkedKey.consumer == consumer)
    events = (
        select(func.count())
        .select_from(ParkedEvent)
        .where(ParkedEvent.consumer == consumer, ParkedEvent.state == "waiting")
    )
    found = await session.execute(select(keys.scalar_subquery(), events.scalar_subquery()))
    keys_waiting, events_waiting = found.one()
    return keys_waiting, events_waiting


def error_text(error: str) -> str:
    """The error as a column can hold it: a handler's words may quote NUL or half a character."""
    whole = error.encode("utf-8", "backslashreplace").decode()
    return whole.replace("\x00", "\\x00")[:ERROR_CHARACTERS_MAX]


async def park(
    session: AsyncSession, consumer: str, waiting: Sequence[tuple[Message, str | None]]
) -> None:
    """Put each message at the end of its key's queue; its error is None when it waits for another.

    However many they are: a key's later events come with every batch, and must not slow it down.
    """
    if not waiting:
        return
    keys = sorted({(message.topic, message.key) for message, _ in waiting})
    await session.execute(
        insert(ParkedKey)
        .values([{"consumer": consumer, "stream": topic, "key": key} for topic, key in keys])
        .on_conflict_do_nothing()
    )
    session.add_all(
        ParkedEvent(
            consumer=consumer,
            stream=message.topic,
            key=message.key,
            partition=message.partition,
            position=message.position,
            event_id=message.event_id,
            event_type=message.event_type,
            headers=message.headers,
            body=message.body,
            error=error_text(error) if error else None,
            attempts=1 if error else 0,
        )
        for message, error in waiting
    )
    await session.flush()
