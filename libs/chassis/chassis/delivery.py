"""Deliver messages in one transaction: fence, inbox, handlers' effects, their events, position.

This is where "exactly once in effect" is kept (decision 0003). Whoever lost a partition without
knowing it finds the position moved and rolls back.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.consumers import Consumers
from chassis.crash import crash_point
from chassis.database import Database
from chassis.messages import BadMessageError, Message
from chassis.metrics import CONSUMED, DUPLICATES, UNKNOWN
from chassis.parking import Waiting, park, parked_keys
from contracts.event import Event

_MOVE = text("""
    UPDATE consumer_positions AS p
    SET position = v.next, last_event = v.event, moved_at = now(),
        heard_until = greatest(p.heard_until, least(to_timestamp(v.sent_at), now()))
    FROM unnest(cast(:topics AS text[]), cast(:partitions AS bigint[]),
                cast(:expected AS bigint[]), cast(:nexts AS bigint[]), cast(:events AS text[]),
                cast(:sent_at AS float[]))
         AS v(topic, partition, expected, next, event, sent_at)
    WHERE p.consumer = :consumer AND p.topic = v.topic AND p.partition = v.partition
      AND p.position = v.expected
""")
_REMEMBER = text("""
    INSERT INTO inbox (consumer, event_id)
    SELECT :consumer, unnest(cast(:ids AS uuid[]))
    ON CONFLICT DO NOTHING RETURNING event_id
""")

Partition = tuple[str, int]


class FencedError(Exception):
    """Another member moved the position: the partition is no longer ours."""


@dataclass(frozen=True, slots=True)
class Move:
    """Where a partition's position stands and where the batch takes it."""

    expected: int
    next: int
    last_event: str | None
    sent_at_seconds: float = 0.0  # of the last event


class Delivery:
    """Hands messages to a service's consumers, once in effect."""

    def __init__(self, consumers: Consumers, database: Database):
        self.consumers = consumers
        self.database = database
        # What was being read or handled when the last attempt failed: most likely its cause, but a
        # constraint may be broken by an event before it. None: it failed as a whole.
        self.suspect: str | None = None
        self._skipped: Counter[str] = Counter()  # in this attempt; counted once it is committed

    async def deliver(
        self,
        messages: Sequence[Message],
        moves: dict[Partition, Move],
        *,
        parking: str | None = None,
    ) -> None:
        """All effects of the messages and the new positions, or nothing.

        `parking` is the error with which the one message given is parked instead of handled.

        Raises:
            FencedError: a position is not where it was expected.
            BadMessageError: bytes that no contract fits; park the message.

        """
        crash_point("consumer.delivering")
        self.suspect = None
        self._skipped.clear()
        async with self.database.transaction() as session:
            await self._move(session, moves)
            waiting = await parked_keys(session, self.consumers.name, messages)
            fresh: list[Event] = []
            held: list[tuple[Message, str | None]] = []
            for message in messages:
                self.suspect = message.event_id
                if parking is not None or (message.topic, message.key) in waiting:
                    held.append((message, parking))
                elif (event := self._read(message)) is not None:
                    fresh.append(event)
            self.suspect = None
            await self._park(session, held)
            events = await self._not_seen(session, fresh)
            await self._handle(events, session)
            crash_point("consumer.handled")
        crash_point("consumer.committed")
        for event_type, count in Counter(event.TYPE for event in events).items():
            CONSUMED.labels(self.consumers.name, event_type).inc(count)
        UNKNOWN.labels(self.consumers.name, "other").inc(self._skipped["unknown"])
        DUPLICATES.labels(self.consumers.name).inc(self._skipped["seen"])

    async def _handle(self, events: list[Event], session: AsyncSession) -> None:
        if self.consumers.takes_batches:
            await self.consumers.handle(events, session)
            return
        for event in events:
            self.suspect = str(event.event_id)
            await self.consumers.handle([event], session)
        self.suspect = None

    def _read(self, message: Message) -> Event | None:
        event = message.read(self.consumers.contracts)
        if event is None:
            self._skipped["unknown"] += 1
        return event

    async def _move(self, session: AsyncSession, moves: dict[Partition, Move]) -> None:
        moved = await session.execute(
            _MOVE,
            {
                "consumer": self.consumers.name,
                "topics": [topic for topic, _ in moves],
                "partitions": [partition for _, partition in moves],
                "expected": [move.expected for move in moves.values()],
                "nexts": [move.next for move in moves.values()],
                "events": [move.last_event for move in moves.values()],
                "sent_at": [move.sent_at_seconds for move in moves.values()],
            },
        )
        if moved.rowcount != len(moves):  # type: ignore[attr-defined]
            raise FencedError(f"{self.consumers.name}: {sorted(moves)}")

    async def _not_seen(self, session: AsyncSession, events: list[Event]) -> list[Event]:
        """Remember the events; answers those that were not remembered before, each once."""
        if not events:
            return []
        ids = [str(event.event_id) for event in events]
        remembered = await session.scalars(_REMEMBER, {"consumer": self.consumers.name, "ids": ids})
        new = set(remembered)
        once = []
        for event in events:
            if event.event_id in new:
                new.discard(event.event_id)
                once.append(event)
        self._skipped["seen"] += len(events) - len(once)
        return once

    async def _park(
        self, session: AsyncSession, held: Sequence[tuple[Message, str | None]]
    ) -> None:
        """Keep the messages behind their keys, but those that the inbox saw: they had their effect.

        What cannot be read has no effect to lose, and is kept with its bytes.
        """
        read: list[tuple[Message, str | None, Event | None]] = []
        for message, error in held:
            try:
                event = self._read(message)
            except BadMessageError as bad:
                read.append((message, error or str(bad), None))
            else:
                if event is not None:
                    read.append((message, error, event))
        events = [event for _, _, event in read if event is not None]
        new = {id(event) for event in await self._not_seen(session, events)}
        waiting = [
            Waiting(message, error, event)
            for message, error, event in read
            if event is None or id(event) in new
        ]
        await park(session, self.consumers.name, waiting)
