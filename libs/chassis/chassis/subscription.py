"""A service's subscription to its streams: FastStream's batch subscriber, positions of our own.

FastStream fetches and keeps the group; what is committed where is decided here. Its handler never
raises: what fails is tried again, event by event, and parked by key (design.md 4).
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Any

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from sqlalchemy.exc import SQLAlchemyError

from chassis.consumers import Consumers
from chassis.crash import crash_point
from chassis.database import Database
from chassis.delivery import Delivery, FencedError, Move, Partition
from chassis.failures import DatabaseAwayError, Failure, failure_of
from chassis.logs import enter_request, get_logger
from chassis.messages import Message, message_of
from chassis.metrics import FENCED, PARKED, PARKED_KEYS, RETRIES
from chassis.parking import count_waiting
from chassis.positions import every_position, left_unread, read_positions
from chassis.progress import Progress
from chassis.settings import ServiceSettings

log = get_logger(__name__)

MAX_POLL_INTERVAL_MS = 300_000
# The broker answers at once when there is something. It answers the requests of a connection one by
# one, so that after a rebalance what is asked first waits this long for the fetch under way.
FETCH_WAIT_MS = 1_000
# What a member that left had waits until the others hear of it, by their next heartbeat: less than
# the 2 s for which a command waits for what it names.
HEARTBEAT_SECONDS_MAX = 1.0
BACK_OFF_SECONDS_MAX = 10.0
COMMIT_EVERY_SECONDS = 5.0
LOOKS_AGAIN = 3  # before a gap is believed
WATCH_SECONDS_MAX = 10.0  # for asking Kafka and the database, then it is asked again


class ParkingFailedError(Exception):
    """A poisoned event could not be parked either: its partition waits, for nothing may pass it."""


class Subscription(ConsumerRebalanceListener):  # type: ignore[misc]
    """Keeps one consumer group's member at work. Created per process, started with the broker."""

    def __init__(
        self,
        settings: ServiceSettings,
        database: Database,
        consumers: Consumers,
        broker: KafkaBroker,
    ):
        self._settings = settings
        self._consumers = consumers
        self._database = database
        self._delivery = Delivery(consumers, database)
        self.positions: dict[Partition, tuple[int, str | None]] = {}
        self._awaited: dict[Partition, int] = {}  # the offset that the next fetch must bring
        self._to_verify: dict[Partition, str] = {}  # the event that must be met first, after a seek
        self._sought: set[Partition] = set()  # or revoked, since the batch in hand was fetched
        self._committed_at = 0.0
        self._looks: dict[Partition, int] = {}
        self.progress = Progress(consumers.name, settings.stalled_after_seconds)
        self._subscriber = broker.subscriber(
            *[settings.topic_prefix + stream for stream in consumers.streams],
            group_id=settings.topic_prefix + consumers.name,
            # A static member: killed and started anew it does not wait for its old session's end.
            group_instance_id=settings.consumer_instance_id,
            batch=True,
            ack_policy=AckPolicy.MANUAL,
            auto_offset_reset="earliest",
            max_records=settings.consumer_batch_events,
            batch_timeout_ms=int(settings.consumer_poll_seconds * 1000),
            fetch_max_wait_ms=FETCH_WAIT_MS,
            heartbeat_interval_ms=int(
                min(settings.consumer_session_seconds / 5, HEARTBEAT_SECONDS_MAX) * 1000
            ),
            session_timeout_ms=int(settings.consumer_session_seconds * 1000),
            max_poll_interval_ms=MAX_POLL_INTERVAL_MS,
            listener=self,
            parser=_keep_raw,
            decoder=_keep_undecoded,
        )
        self._subscriber(self._consume)

    @property
    def consumer(self) -> Any:
        """The aiokafka consumer beneath."""
        return self._subscriber.consumer

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Forget them; the fence refuses what is still under way."""
        for partition in revoked:
            self._forget((partition.topic, partition.partition))
            self.progress.clear_alarm((partition.topic, partition.partition))

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Seek to the positions in the database; what fails here is sought by the watch.

        Nothing is fetched before: the client would begin where the group's own offset says, what it
        brought would be sought anew, and each of the seek's questions would wait for such a fetch.

        The client sends no heartbeat meanwhile: waiting for the database longer than a session
        lasts, the member would be expelled and asked again, for ever.
        """
        self.consumer.pause(*assigned)
        partitions = [(partition.topic, partition.partition) for partition in assigned]
        try:
            async with asyncio.timeout(self._settings.consumer_session_seconds / 2):
                await self._seek(partitions)
        except (KafkaError, SQLAlchemyError, DatabaseAwayError, OSError) as error:
            log.warning(
                "not sought yet",
                consumer=self._consumers.name,
                partitions=str(sorted(partitions)),
                error=repr(error),
            )

    async def _seek_lost(self) -> None:
        """Seek what is ours but has no position: the broker or the database was away when asked."""
        assigned = {(target.topic, target.partition) for target in self.consumer.assignment()}
        lost = assigned - set(self.positions) - set(self.progress.alarms)
        if lost:
            log.warning(
                "seeking again", consumer=self._consumers.name, partitions=str(sorted(lost))
            )
            await self._seek(sorted(lost))

    async def _seek(self, partitions: Sequence[Partition]) -> None:
        """Go to the stored positions; one event back, to see that it is still the one we know."""
        stored = await read_positions(
            self._database, self._consumers.name, self.consumer, partitions
        )
        for partition, start in stored.items():
            target = TopicPartition(*partition)
            if target not in self.consumer.assignment():
                continue  # revoked while the database was asked
            if start.alarm is not None:
                self._stop_partition(partition, start.alarm)
                continue
            self._forget(partition)
            self.positions[partition] = (start.position, start.last_event)
            self._awaited[partition] = start.position
            if start.last_event is not None and start.position > start.beginning:
                self._to_verify[partition] = start.last_event
                self._awaited[partition] -= 1
            self.consumer.seek(target, self._awaited[partition])
            self.consumer.resume(target)
            self.progress.clear_alarm(partition)
        self.progress.assigned(self.positions)

    def _forget(self, partition: Partition) -> None:
        """Nothing of the batch in hand may move this partition, and nothing is fetched of it.

        Until it is sought, which the watch sees to: whatever came before would be dropped.
        """
        self._sought.add(partition)
        self.positions.pop(partition, None)
        self._awaited.pop(partition, None)
        self._to_verify.pop(partition, None)
        if (target := TopicPartition(*partition)) in self.consumer.assignment():
            self.consumer.pause(target)

    async def _consume(self, message: KafkaMessage) -> None:
        records: Any = message.raw_message
        try:
            messages = await self._next_in_line([message_of(record) for record in records])
            if messages:
                self.progress.met(messages)
                await self._deliver_surely(messages)
                await self._commit_for_dashboards()
        except Exception:
            # Kafka or the database did not answer between two deliveries, or an event could not
            # even be parked. FastStream would swallow this and go on behind the batch; without a
            # position nothing goes on until sought.
            log.exception("batch abandoned", consumer=self._consumers.name)
            for record in records:
                self._forget((record.topic, record.partition))

    async def _next_in_line(self, messages: list[Message]) -> list[Message]:
        """What follows the positions without a gap; anything else is looked into, never delivered.

        The client starts elsewhere by itself: at the group's offset before the seek took hold, at
        the topic's beginning when our offset is gone. Only the stored position counts.
        """
        by_partition: dict[Partition, list[Message]] = {}
        for message in messages:
            by_partition.setdefault((message.topic, message.partition), []).append(message)
        self._sought.clear()
        ahead = []
        for partition, found in by_partition.items():
            if partition in self.positions and await self._is_next(partition, found):
                position, _ = self.positions[partition]
                self._awaited[partition] = found[-1].position + 1
                ahead += [message for message in found if message.position >= position]
        return ahead

    async def _is_next(self, partition: Partition, found: Sequence[Message]) -> bool:
        """Whether the fetch begins where it must; a lost event is an alarm, not a jump."""
        first, awaited, position = found[0], self._awaited[partition], self.positions[partition][0]
        if first.position < awaited and self._meets_the_last(partition, found):
            self._looks.pop(partition, None)
            self._to_verify.pop(partition, None)
            return True
        if first.position < awaited:
            # Fetched before the seek, or the client was thrown back: the seek finds out which.
            await self._seek_again([partition])
            return False
        if first.position > awaited:
            # A fetch from the group's own offset may still have been under way: look again first.
            self._looks[partition] = self._looks.get(partition, 0) + 1
            if self._looks[partition] <= LOOKS_AGAIN:
                await self._seek_again([partition])
                return False
            # Kafka's own marks of foreign transactions leave gaps, too: ask what was removed.
            target = TopicPartition(*partition)
            beginning = (await self.consumer.beginning_offsets([target]))[target]
            if partition not in self.positions:
                return False  # revoked meanwhile
            if beginning > position:
                self._stop_partition(partition, left_unread(position, beginning))
                return False
            if partition in self._to_verify and beginning <= awaited:
                self._stop_partition(partition, f"no event at {awaited}, where the last one was")
                return False
            self._to_verify.pop(partition, None)
        last_event = self._to_verify.pop(partition, None)
        if last_event is not None and first.event_id != last_event:
            self._stop_partition(partition, "the topic was made anew under its position")
            return False
        self._looks.pop(partition, None)
        return True

    def _meets_the_last(self, partition: Partition, found: Sequence[Message]) -> bool:
        """Begun too early it still holds the event that we consumed last, where it was."""
        position, last_event = self.positions[partition]
        return last_event is not None and any(
            message.position == position - 1 and message.event_id == last_event for message in found
        )

    def _stop_partition(self, partition: Partition, why: str) -> None:
        """Stand still until a person decides: `positions accept` in the command line."""
        self._forget(partition)
        self.progress.alarm(partition, why)

    async def _deliver_surely(self, messages: list[Message]) -> None:
        """Deliver the batch; when it fails for good, in pieces; one that fails alone is parked.

        Cut out what was in hand when it failed and halve what follows: what waits behind many
        poisoned events is not read anew for each. One takes four transactions. When nothing was in
        hand, halve: that finds one poisoned event among 500 by 18 transactions, one by one by 500.
        """
        pieces = deque([messages])
        while pieces:
            piece = pieces.popleft()
            if await self._attempt(piece) is not Failure.POISON:
                continue
            if len(piece) == 1:
                await self._park(piece[0])
            else:
                pieces.extendleft(reversed(self._cut(piece)))

    def _cut(self, messages: list[Message]) -> list[list[Message]]:
        ids = [message.event_id for message in messages]
        suspect = self._delivery.suspect
        if suspect in ids:
            behind = ids.index(suspect) + 1
            cuts = [behind - 1, behind, (behind + len(messages)) // 2]
        else:
            cuts = [len(messages) // 2]
        bounds = pairwise([0, *cuts, len(messages)])
        return [messages[begin:end] for begin, end in bounds if begin < end]

    async def _park(self, message: Message) -> None:
        error = self.progress.last_error
        log.error("parked", consumer=self._consumers.name, key=message.key, error=error)
        if await self._attempt([message], parking=error) is Failure.POISON:
            raise ParkingFailedError(self.progress.last_error)

    async def _attempt(self, messages: list[Message], parking: str | None = None) -> Failure | None:
        """Try until it is delivered, fenced or known to be poison. None is success."""
        pause, conflicts = 0.05, 0
        if len(messages) == 1:
            enter_request("", messages[0].headers.get("traceparent"))
        while True:
            if not (moves := self._moves(messages)):
                return None  # every partition of the batch was revoked meanwhile
            try:
                await self._delivery.deliver(messages, moves, parking=parking)
            except FencedError:
                FENCED.labels(self._consumers.name).inc()
                log.warning("fenced", consumer=self._consumers.name, partitions=str(list(moves)))
                await self._seek_again(list(moves))
                return Failure.FENCED
            except Exception as error:
                # Every failure has an outcome here: poison is parked with its error, the rest is
                # tried again. FastStream would swallow what escapes, and the position with it.
                failure = failure_of(error)
                conflicts += failure is Failure.CONFLICT
                if failure.lasts or conflicts > self._settings.consumer_retries:
                    self.progress.last_error = f"{type(error).__name__}: {error}"
                    return Failure.POISON
                RETRIES.labels(self._consumers.name).inc()
                log.warning("trying again", error=repr(error), pause_seconds=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, BACK_OFF_SECONDS_MAX)
            else:
                self._advance(moves)
                return None

    def _moves(self, messages: list[Message]) -> dict[Partition, Move]:
        """Where each partition of the batch stands and goes.

        Drops what was revoked or sought meanwhile: it is fetched again from where the position is
        by now, and moving from there to the end of this batch would jump over events.
        """
        messages[:] = [m for m in messages if self._holds((m.topic, m.partition))]
        return {
            (m.topic, m.partition): Move(
                self.positions[(m.topic, m.partition)][0],
                m.position + 1,
                m.event_id,
                m.sent_at_seconds,
            )
            for m in messages
        }

    def _holds(self, partition: Partition) -> bool:
        return partition in self.positions and partition not in self._sought

    def _advance(self, moves: dict[Partition, Move]) -> None:
        for partition, move in moves.items():
            if self._holds(partition):
                self.positions[partition] = (move.next, move.last_event)
        self.progress.advanced(moves)

    async def _seek_again(self, partitions: list[Partition]) -> None:
        for partition in partitions:
            self._forget(partition)
        still_ours = {(tp.topic, tp.partition) for tp in self.consumer.assignment()}
        await self._seek([partition for partition in partitions if partition in still_ours])

    async def _commit_for_dashboards(self) -> None:
        """Kafka's own offsets serve lag dashboards only; losing one costs nothing."""
        if time.monotonic() - self._committed_at < COMMIT_EVERY_SECONDS:
            return
        self._committed_at = time.monotonic()
        crash_point("consumer.committing")
        offsets = {TopicPartition(*p): position for p, (position, _) in self.positions.items()}
        with suppress(KafkaError):
            await self.consumer.commit(offsets)

    async def watch(self) -> None:
        """Measure lag and judge progress until cancelled."""
        while True:
            await asyncio.sleep(self._settings.consumer_watch_seconds)
            if self.consumer is None:
                continue
            with suppress(KafkaError, SQLAlchemyError, DatabaseAwayError, OSError):
                async with asyncio.timeout(WATCH_SECONDS_MAX):
                    await self._watch_once()
                    await self._count_parked()

    async def _watch_once(self) -> None:
        """Our own partitions; when we have none, whether anybody moves the group's."""
        await self._seek_lost()
        if self.positions:
            shortened = await self.progress.measure(self.consumer, self.positions)
            if shortened:
                await self._seek_again(shortened)
            return
        positions = await every_position(self._database, self._consumers.name)
        await self.progress.measure_group(self.consumer, positions)

    async def _count_parked(self) -> None:
        """What waits in the database, whichever member parked it: every replica says the same."""
        name = self._consumers.name
        async with self._database.transaction() as session:
            keys, events = await count_waiting(session, name)
        PARKED_KEYS.labels(name).set(keys)
        PARKED.labels(name).set(events)


async def _keep_raw(record: Any) -> KafkaMessage:
    """FastStream's own parser fails on undecodable headers; ours reads the records itself."""
    return KafkaMessage(body=b"", raw_message=record, consumer=None)  # type: ignore[arg-type]


async def _keep_undecoded(message: KafkaMessage) -> KafkaMessage:
    return message
