"""A service's subscription to its streams: FastStream's batch subscriber, positions of our own.

FastStream fetches and keeps the group; what is committed where is decided here. Its handler never
raises: what fails is tried again, event by event, and parked by key (design.md 4).
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage

from chassis.consumers import Consumers
from chassis.crash import crash_point
from chassis.database import Database
from chassis.delivery import Delivery, FencedError, Move, Partition
from chassis.failures import Failure, failure_of
from chassis.logs import enter_request, get_logger
from chassis.messages import Message, message_of
from chassis.metrics import FENCED, RETRIES
from chassis.positions import read_positions
from chassis.progress import Progress
from chassis.settings import ServiceSettings

log = get_logger(__name__)

MAX_POLL_INTERVAL_MS = 300_000
FETCH_WAIT_MS = 5_000  # the broker answers at once when there is something; idle costs little
BACK_OFF_SECONDS_MAX = 10.0
COMMIT_EVERY_SECONDS = 5.0


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
        self._to_verify: set[Partition] = set()
        self._committed_at = 0.0
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
            heartbeat_interval_ms=int(settings.consumer_session_seconds * 1000 / 5),
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
            self.positions.pop((partition.topic, partition.partition), None)

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Seek to the positions in the database."""
        await self._seek([(partition.topic, partition.partition) for partition in assigned])

    async def _seek(self, partitions: Sequence[Partition]) -> None:
        """Go to the stored positions; one event back, to see that it is still the one we know."""
        stored = await read_positions(
            self._database, self._consumers.name, self.consumer, partitions
        )
        for partition, start in stored.items():
            target = TopicPartition(*partition)
            if start.alarm is not None:
                self.progress.alarm(partition, start.alarm)
                self.consumer.pause(target)
                continue
            self.positions[partition] = (start.position, start.last_event)
            verify = start.last_event is not None and start.position > start.beginning
            self.consumer.seek(target, start.position - 1 if verify else start.position)
            (self._to_verify.add if verify else self._to_verify.discard)(partition)
        self.progress.assigned(self.positions)

    async def _consume(self, message: KafkaMessage) -> None:
        records: Any = message.raw_message
        messages = self._verified([message_of(record) for record in records])
        if messages:
            await self._deliver_surely(messages)
            await self._commit_for_dashboards()

    def _verified(self, messages: list[Message]) -> list[Message]:
        """Only what lies ahead of the position; a wrong event before it is an alarm, not a jump."""
        ahead = []
        for message in messages:
            partition = (message.topic, message.partition)
            known = self.positions.get(partition)
            if known is None:
                continue  # revoked, or alarmed: never deliver without a position
            position, last_event = known
            if partition in self._to_verify:
                self._to_verify.discard(partition)
                if message.position < position and message.event_id != last_event:
                    self._stop_partition(partition, "the topic was made anew under its position")
                    continue
            if message.position >= position:
                ahead.append(message)
        return ahead

    def _stop_partition(self, partition: Partition, why: str) -> None:
        self.positions.pop(partition, None)
        self.progress.alarm(partition, why)
        self.consumer.pause(TopicPartition(*partition))

    async def _deliver_surely(self, messages: list[Message]) -> None:
        """Deliver the batch; when it fails for good, event by event; what then fails is parked."""
        outcome = await self._attempt(messages)
        if outcome is Failure.POISON and len(messages) > 1:
            for message in messages:
                if await self._attempt([message]) is Failure.POISON:
                    await self._park(message)
        elif outcome is Failure.POISON:
            await self._park(messages[0])

    async def _park(self, message: Message) -> None:
        error = self.progress.last_error
        log.error("parked", consumer=self._consumers.name, key=message.key, error=error)
        await self._attempt([message], parking=error)

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
                if failure is Failure.POISON or conflicts > self._settings.consumer_retries:
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
        """Where each partition of the batch stands and goes; drops what was revoked meanwhile."""
        messages[:] = [m for m in messages if (m.topic, m.partition) in self.positions]
        return {
            (m.topic, m.partition): Move(
                self.positions[(m.topic, m.partition)][0], m.position + 1, m.event_id
            )
            for m in messages
        }

    def _advance(self, moves: dict[Partition, Move]) -> None:
        for partition, move in moves.items():
            if partition in self.positions:
                self.positions[partition] = (move.next, move.last_event)
        self.progress.advanced(moves)

    async def _seek_again(self, partitions: list[Partition]) -> None:
        for partition in partitions:
            self.positions.pop(partition, None)
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
            await asyncio.sleep(self.progress.WATCH_SECONDS)
            if self.consumer is not None:
                await self.progress.measure(self.consumer, self.positions)


async def _keep_raw(record: Any) -> KafkaMessage:
    """FastStream's own parser fails on undecodable headers; ours reads the records itself."""
    return KafkaMessage(body=b"", raw_message=record, consumer=None)  # type: ignore[arg-type]


async def _keep_undecoded(message: KafkaMessage) -> KafkaMessage:
    return message
