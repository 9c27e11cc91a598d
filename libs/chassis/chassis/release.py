"""What a person may do with a parked key: replay it, edit an event and replay, or skip an event.

Every step is one transaction that holds the key's row: events leave in the order they came, and one
that arrives meanwhile is handled after them (decision 0005). Each decision is audited.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.consumers import Consumers
from chassis.crash import crash_point
from chassis.database import Database
from chassis.errors import BadFieldError, NotFoundError, RefusedError
from chassis.identity import Principal
from chassis.messages import BadMessageError, Message
from chassis.parking import error_text
from chassis.sentences import of_error
from chassis.tables import ParkedEvent, ParkedKey

REPLAY_EVENTS_MAX = 10_000  # in one call; call again for more
REPLAY_KEYS_MAX = 1000  # in one call
REPLAY_ALL = "parked_event.replay_all"  # in the audit log


class StillFailingError(RefusedError):
    """The first event of the key failed again; it and all behind it stay parked."""

    code = "CHB.0409"


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of many keys: how many flow again, their events, and how many failed again."""

    keys: int
    events: int
    still_failing: int


@dataclass(frozen=True, slots=True)
class Desk:
    """The consumers of one service, by name, and who decides when."""

    consumers: Mapping[str, Consumers]
    database: Database
    principal: Principal
    now: datetime

    async def replay(self, consumer: str, stream: str, key: str, reason: str | None = None) -> int:
        """Handle the key's events in order until none is left; answers how many were.

        Raises:
            StillFailingError: an event failed again; those before it are done.
            NotFoundError: no such key is parked.

        """
        replayed = 0
        while replayed < REPLAY_EVENTS_MAX and await self._replay_first(
            consumer, stream, key, reason
        ):
            replayed += 1
            crash_point("release.replayed")
        return replayed

    async def replay_all(
        self, consumer: str | None = None, error: str | None = None, reason: str | None = None
    ) -> Replayed:
        """Replay every parked key, or those of one consumer, or whose error holds a text.

        What fails again stays where it is, and the others go on. The whole is audited as one.
        """
        async with self.database.transaction() as session:
            keys = await _keys_with(session, list(self.consumers), consumer, error)
        flowing, events, still_failing = 0, 0, 0
        for key in keys:
            try:
                events += await self.replay(*key, reason)
            except StillFailingError:
                still_failing += 1
            else:
                flowing += 1
        done = Replayed(flowing, events, still_failing)
        about = {"consumer": consumer, "error": error, "reason": reason, **asdict(done)}
        async with self.database.transaction() as session:
            audit.record(session, self.principal, REPLAY_ALL, consumer or "*", self.now, **about)
        return done

    async def _replay_first(self, consumer: str, stream: str, key: str, reason: str | None) -> bool:
        """Handle the first event; False when the key is free."""
        parked_id = None
        try:
            async with self.database.transaction() as session:
                if not await _lock(session, consumer, stream, key):
                    return False
                first = await _first(session, consumer, stream, key)
                if first is not None:
                    parked_id = first.id
                    await self._handle(session, first)
                    self._decide(session, first, "replayed", reason)
                    crash_point("release.handled")
                await _free_when_empty(session, consumer, stream, key)
                return first is not None
        except Exception as error:
            # Whatever the handler raised is the answer; the event keeps its place.
            if parked_id is None:
                raise
            failure = of_error(error)
        await self._note_failure(parked_id, failure.en)
        raise StillFailingError(
            f"Event {parked_id} fails again. {failure.en}",
            detail_zh=f"事件 {parked_id} 再次失败。{failure.zh}",
        )

    async def _handle(self, session: AsyncSession, parked: ParkedEvent) -> None:
        consumers = self.consumers[parked.consumer]
        event = _message_of(parked).read(consumers.contracts)
        if event is not None:
            await consumers.handle([event], session)
            await session.flush()

    async def edit(self, parked_id: int, body: bytes, reason: str) -> None:
        """Replace an event's body; what arrived is kept beside it. Replay follows separately."""
        async with self.database.transaction() as session:
            parked = await self._waiting(session, parked_id, reason)
            edited = _message_of(parked, body)
            try:
                event = edited.read(self.consumers[parked.consumer].contracts)
            except BadMessageError as error:
                raise BadFieldError("body", error.told.en, error.told.zh) from error
            if event is not None:
                parked.partner_id, parked.distributor_id = event.partner_id, event.distributor_id
            parked.original_body = parked.original_body or parked.body
            parked.body = body
            parked.decision = reason
            self._audit(session, "parked_event.edit", parked, reason=reason)

    async def skip(self, parked_id: int, reason: str) -> None:
        """Leave an event out for good; the ones behind it stay until they are replayed."""
        async with self.database.transaction() as session:
            parked = await self._waiting(session, parked_id, reason)
            self._decide(session, parked, "skipped", reason)
            await session.flush()
            await _free_when_empty(session, parked.consumer, parked.stream, parked.key)

    async def _waiting(self, session: AsyncSession, parked_id: int, reason: str) -> ParkedEvent:
        if not reason.strip():
            raise BadFieldError("reason", "say why", "请说明原因")
        parked = await session.get(ParkedEvent, parked_id)
        if parked is None or parked.consumer not in self.consumers:
            raise NotFoundError(f"parked event {parked_id}")
        await _lock(session, parked.consumer, parked.stream, parked.key)
        await session.refresh(parked)  # somebody else may have decided until the key was ours
        if parked.state != "waiting":
            raise NotFoundError(f"parked event {parked_id}")
        return parked

    def _decide(
        self, session: AsyncSession, parked: ParkedEvent, state: str, reason: str | None
    ) -> None:
        parked.state = state
        parked.decided_at = self.now
        parked.decided_by = self.principal.operator_id or self.principal.id
        parked.decision = reason or parked.decision
        self._audit(session, f"parked_event.{state}", parked, reason=reason)

    def _audit(
        self, session: AsyncSession, action: str, parked: ParkedEvent, **detail: Any
    ) -> None:
        detail |= {"consumer": parked.consumer, "key": parked.key, "event_id": parked.event_id}
        audit.record(session, self.principal, action, str(parked.id), self.now, **detail)

    async def _note_failure(self, parked_id: int, failure: str) -> None:
        async with self.database.transaction() as session:
            parked = await session.get_one(ParkedEvent, parked_id, with_for_update=True)
            if parked.state == "waiting":
                parked.attempts += 1
                parked.error = error_text(failure)


async def list_parked(session: AsyncSession, consumer: str | None = None) -> list[dict[str, Any]]:
    """The parked keys, oldest first: how many events wait, since when, and why the first failed."""
    table = ParkedEvent
    waiting = (
        select(
            table.consumer,
            table.stream,
            table.key,
            func.count().label("events"),
            func.min(table.parked_at).label("since"),
            func.min(table.id).label("first_id"),
        )
        .where(table.state == "waiting")
        .group_by(table.consumer, table.stream, table.key)
        .order_by(func.min(table.id))
        .limit(1000)
    )
    if consumer:
        waiting = waiting.where(table.consumer == consumer)
    groups = waiting.subquery()
    found = await session.execute(
        select(
            groups,
            table.event_type.label("type"),
            table.event_id,
            table.partition,
            table.position,
            table.error,
            table.attempts,
        ).join(table, table.id == groups.c.first_id)
    )
    return [dict(row) for row in found.mappings()]


async def find_same(
    session: AsyncSession,
    consumers: Sequence[str],
    stream: str,
    key: str,
    partition: int,
    position: int,
) -> list[dict[str, Any]]:
    """The event of one place in a topic, as it waits in this service's consumers."""
    table = ParkedEvent
    found = await session.execute(
        select(table.id, table.consumer, table.event_id, table.error, table.attempts)
        .where(
            table.state == "waiting",
            table.consumer.in_(consumers),
            table.stream == stream,
            table.key == key,
            table.partition == partition,
            table.position == position,
        )
        .order_by(table.id)
    )
    return [dict(row) for row in found.mappings()]


async def _keys_with(
    session: AsyncSession, consumers: Sequence[str], consumer: str | None, error: str | None
) -> list[tuple[str, str, str]]:
    """The keys that wait, oldest first; a key's error is that of the event that blocks it."""
    table = ParkedEvent
    first = (
        select(func.min(table.id))
        .where(table.state == "waiting", table.consumer.in_(consumers))
        .group_by(table.consumer, table.stream, table.key)
    )
    wanted = select(table.consumer, table.stream, table.key).where(table.id.in_(first))
    if consumer is not None:
        wanted = wanted.where(table.consumer == consumer)
    if error is not None:
        wanted = wanted.where(table.error.contains(error, autoescape=True))
    found = await session.execute(wanted.order_by(table.id).limit(REPLAY_KEYS_MAX))
    return [(consumer, stream, key) for consumer, stream, key in found]


def _message_of(parked: ParkedEvent, body: bytes | None = None) -> Message:
    return Message(
        topic=parked.stream,
        partition=parked.partition,
        position=parked.position,
        key=parked.key,
        headers=parked.headers,
        body=parked.body if body is None else body,
        sent_at_seconds=(parked.sent_at or parked.parked_at).timestamp(),
    )


async def _lock(session: AsyncSession, consumer: str, stream: str, key: str) -> bool:
    found = await session.get(ParkedKey, (consumer, stream, key), with_for_update=True)
    return found is not None


async def _first(session: AsyncSession, consumer: str, stream: str, key: str) -> ParkedEvent | None:
    table = ParkedEvent
    first = await session.scalars(
        select(table)
        .where(
            table.consumer == consumer,
            table.stream == stream,
            table.key == key,
            table.state == "waiting",
        )
        .order_by(table.id)
        .limit(1)
    )
    return first.one_or_none()


async def _free_when_empty(session: AsyncSession, consumer: str, stream: str, key: str) -> None:
    await session.flush()
    if await _first(session, consumer, stream, key) is None:
        table = ParkedKey
        await session.execute(
            delete(table).where(
                table.consumer == consumer, table.stream == stream, table.key == key
            )
        )
