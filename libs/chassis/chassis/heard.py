"""Until when a consumer has heard everything, and since when its parked keys are stale."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.database import Database
from chassis.metrics import HEARD_AGE, PARKED, PARKED_KEYS, PARKED_OLDEST
from chassis.parking import look_at_waiting
from chassis.tables import ConsumerPosition

# Who is in the middle of a delivery has moved on: that delivery says by itself what was heard.
_NOTE_HEARD = text("""
    UPDATE consumer_positions SET heard_until = greatest(heard_until, least(:until, now()))
    WHERE (consumer, topic, partition) IN (
        SELECT p.consumer, p.topic, p.partition FROM consumer_positions AS p
        JOIN unnest(cast(:topics AS text[]), cast(:partitions AS bigint[]),
                    cast(:positions AS bigint[])) AS v(topic, partition, position)
          ON p.topic = v.topic AND p.partition = v.partition AND p.position = v.position
        WHERE p.consumer = :consumer ORDER BY p.topic, p.partition FOR UPDATE OF p SKIP LOCKED)
""")


async def note_heard(
    database: Database,
    consumer: str,
    positions: Mapping[tuple[str, int], int],
    until_seconds: float,
) -> None:
    """Nothing waited behind these positions at that instant: all that was sent before is heard.

    A position that has moved since is another member's, or says more by itself.
    """
    if not positions:
        return
    async with database.transaction() as session:
        await session.execute(
            _NOTE_HEARD,
            {
                "consumer": consumer,
                "topics": [topic for topic, _ in positions],
                "partitions": [partition for _, partition in positions],
                "positions": list(positions.values()),
                "until": datetime.fromtimestamp(until_seconds, UTC),
            },
        )


async def heard_until(session: AsyncSession, consumer: str) -> datetime | None:
    """Until when the group has heard everything in all of its partitions, if that is known."""
    table = ConsumerPosition
    known = func.count(table.heard_until) == func.count()
    oldest = select(func.min(table.heard_until)).where(table.consumer == consumer).having(known)
    found: datetime | None = await session.scalar(oldest)
    return found


async def tell_what_is_kept(database: Database, consumer: str) -> None:
    """Of the whole group, whichever member did it: every replica says the same."""
    async with database.transaction() as session:
        keys, events, since = await look_at_waiting(session, consumer)
        heard = await heard_until(session, consumer)
    PARKED_KEYS.labels(consumer).set(keys)
    PARKED.labels(consumer).set(events)
    PARKED_OLDEST.labels(consumer).set_function(_age_of(since))
    if heard is not None:
        HEARD_AGE.labels(consumer).set_function(_age_of(heard))


def _age_of(instant: datetime | None) -> Callable[[], float]:
    """It grows between two looks; of nothing it is 0."""
    if instant is None:
        return lambda: 0.0
    return lambda: max(time.time() - instant.timestamp(), 0.0)
