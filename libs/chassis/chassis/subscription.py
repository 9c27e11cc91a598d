"""A service's subscription to its streams: FastStream's batch subscriber, positions of our own.

FastStream fetches and keeps the group; what is committed where is decided here. Its handler never
raises: what fails is tried again, event by event, and parked by key (design.md 4).

A member is in its group only while it can position: it joins after its first transaction, and
leaves when its database is away for longer than a session, so that others take its partitions.
"""

import asyncio
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
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
from chassis.fetching import Fetched, Fetching, cure_of
from chassis.kafka import broker_security, is_compacted
from chassis.logs import enter_request, get_logger
from chassis.messages import Message, message_of
from chassis.metrics import FENCED, FETCH_FAILURES, PARKED, PARKED_KEYS, RETRIES
from chassis.misfits import Misfits
from chassis.parking import count_waiting
from chassis.positions import every_position, read_positions
from chassis.progress import Progress
from chassis.settings import ServiceSettings
from chassis.unread import TopicReader

log = get_logger(__name__)

MAX_POLL_INTERVAL_MS = 300_000
# The broker answers at once when there is something. It answers the requests of a connection one by
# one, so that after a rebalance what is asked first waits this long for the fetch under way.
FETCH_WAIT_MS = 1_000
# What a member that left had waits until the others hear of it, by their next heartbeat: less than
# the 2 s for which a command waits for what it names.
HEARTBEAT_SECONDS_MAX = 1.0
BACK_OFF_SECONDS_MAX = 10.0
JOIN_PAUSE_SECONDS_MAX = 5.0
TOLD_EVERY_SECONDS = 60.0  # why a member stays outside its group
COMMIT_AFTER_SECONDS = 1.0  # so that others may measure our lag by what is committed
MEETS_MARKS_SECONDS = 0.2
WATCH_SECONDS_MAX = 10.0  # for asking Kafka and the database, then it is asked again
STOPPED_RETRY_SECONDS = 30.0  # what could not be read or parked may be mended outside
METADATA_AGE_MS_MAX = 60_000  # a partition that was added is met within that


@dataclass(slots=True)
class Stop:
    """A partition that stands still: where it stands, and when it is tried again, if ever."""

    stands_at: tuple[int, str | None] | None
    retry_at: float = float("inf")
    flows_at: float = float("inf")  # when it has gone on for long enough to be believed


class Subscription(ConsumerRebalanceListener):  # type: ignore[misc]
    """Keeps one consumer group's member at work. Created per process; `keep` joins the group."""

    def __init__(
        self,
        settings: ServiceSettings,
        database: Database,
        consumers: Consumers,
        reader: TopicReader,
    ):
        self._settings = settings
        self._consumers = consumers
        self._database = database
        self._reader = reader
        self._delivery = Delivery(consumers, database)
        self._subscriber: Any = None
        self.joined = asyncio.Event()
        self.positions: dict[Partition, tuple[int, str | None]] = {}
        self._awaited: dict[Partition, int] = {}  # the offset that the next fetch must bring
        self._to_verify: dict[Partition, str] = {}  # the event that must be met first, after a seek
        self._sought: set[Partition] = set()  # or revoked, since the batch in hand was fetched
        self._in_hand: dict[Partition, list[int]] = {}  # offsets fetched and not yet delivered
        self._stops: dict[Partition, Stop] = {}
        self._committed: dict[Partition, int] = {}
        self._committing: asyncio.TimerHandle | asyncio.Task[None] | None = None
        self._database_away_since: float | None = None
        self._failed: Exception | None = None  # why this member as a whole cannot fetch
        self.misfits = Misfits(consumers, database)
        self.progress = Progress(consumers.name, settings.stalled_after_seconds)

    @property
    def consumer(self) -> Any:
        """The aiokafka consumer beneath; None while this member is in no group."""
        return self._subscriber.consumer if self._subscriber is not None else None

    async def keep(self) -> None:
        """Join, watch, leave and join again, until cancelled."""
        while True:
            await self._until_it_can_position()
            broker = await self._join()
            self.joined.set()
            try:
                await self._watch()
            finally:
                await self._leave(broker)

    async def _until_it_can_position(self) -> None:
        """Who joined without a database would hold partitions that nobody consumes."""
        pause, told_at, told = 0.2, float("-inf"), ""
        while True:
            try:
                async with asyncio.timeout(WATCH_SECONDS_MAX):
                    await every_position(self._database, self._consumers.name)
            except (SQLAlchemyError, DatabaseAwayError, OSError) as error:
                if repr(error) != told or time.monotonic() - told_at > TOLD_EVERY_SECONDS:
                    told, told_at = repr(error), time.monotonic()
                    log.warning(
                        "joins no group without its database",
                        consumer=self._consumers.name,
                        error=told,
                    )
                await asyncio.sleep(pause)
                pause = min(pause * 2, JOIN_PAUSE_SECONDS_MAX)
            else:
                self._database_away_since = None
                return

    async def _join(self) -> KafkaBroker:
        pause = 0.2
        while True:
            broker = self._broker()
            try:
                await self._start(broker)
            except asyncio.CancelledError:
                await self._leave(broker)
                raise
            except (KafkaError, OSError) as error:
                log.warning("cannot join", consumer=self._consumers.name, error=cure_of(error))
                await self._leave(broker)
                await asyncio.sleep(pause)
                pause = min(pause * 2, JOIN_PAUSE_SECONDS_MAX)
            else:
                return broker

    def _broker(self) -> KafkaBroker:
        settings, consumers = self._settings, self._consumers
        broker = KafkaBroker(
            settings.kafka_bootstrap_servers,
            security=broker_security(settings),
            client_id=consumers.name,
            logger=None,
            allow_auto_create_topics=False,
            consumer_only=True,
            metadata_max_age_ms=METADATA_AGE_MS_MAX,
        )
        self._subscriber = broker.subscriber(
            *[settings.topic_prefix + stream for stream in consumers.streams],
            group_id=settings.topic_prefix + consumers.name,
            # A static member: killed and started anew it does not wait for its old session's end.
            group_instance_id=settings.consumer_instance_id,
            batch=True,
            ack_policy=AckPolicy.MANUAL,
            # Only the stored position counts: where the client would go by itself, it says so.
            auto_offset_reset="none",
            isolation_level="read_committed",
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
        return broker

    async def _start(self, broker: KafkaBroker) -> None:
        """FastStream names the client's class once it is connected; ours reports what fails."""
        await broker.connect()
        config: Any = broker.config.broker_config
        config.builder = partial(Fetching, subscriber=self, **config.builder.keywords)
        await broker.start()

    async def _leave(self, broker: KafkaBroker) -> None:
        """Give the partitions back; what is in hand ends with them."""
        for position in list(self.positions):
            self._forget(position)
        self._stops.clear()
        for partition in list(self.progress.alarms):
            self.progress.clear_alarm(partition)
        self.progress.assigned(())
        if self._committing is not None:
            self._committing.cancel()
            self._committing = None
        await broker.stop()
        self._subscriber, self._failed = None, None

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Forget them; the fence refuses what is still under way."""
        for partition in revoked:
            self._forget((partition.topic, partition.partition))
            self._clear_stop((partition.topic, partition.partition))

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Seek to the positions in the database; what fails here is sought by the watch.

        Nothing is fetched before: the client would begin where the group's own offset says, what it
        brought would be sought anew, and each of the seek's questions would wait for such a fetch.

        The client sends no heartbeat meanwhile: waiting for the database longer than a session
        lasts, the member would be expelled and asked again, for ever.
        """
        self.consumer.pause(*assigned)
        for partition in assigned:
            self.consumer.seek(partition, 0)  # so that the client does not ask the group's offset
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
        lost = assigned - set(self.positions) - set(self._stops)
        if lost:
            log.warning(
                "seeking again", consumer=self._consumers.name, partitions=str(sorted(lost))
            )
            await self._seek(sorted(lost))

    async def _look_at_stops(self) -> None:
        """Go on where a person has moved the position, or where its time has come to try again."""
        if not self._stops:
            return
        now = time.monotonic()
        stored = await every_position(self._database, self._consumers.name)
        due = []
        for partition, stop in list(self._stops.items()):
            if partition in self.positions:
                if now >= stop.flows_at:
                    self._clear_stop(partition)
            elif stored.get(partition) != stop.stands_at:
                self._clear_stop(partition)  # a person has moved it
                due.append(partition)
            elif now >= stop.retry_at:
                due.append(partition)
        if due:
            log.info("tried again", consumer=self._consumers.name, partitions=str(due))
            await self._seek(due)

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
                self._stop_partition(partition, start.alarm, (start.position, start.last_event))
                continue
            self._forget(partition)
            self.positions[partition] = (start.position, start.last_event)
            self._awaited[partition] = start.position
            if start.last_event is not None and start.position > start.beginning:
                self._to_verify[partition] = start.last_event
                self._awaited[partition] -= 1
            self.consumer.seek(target, self._awaited[partition])
            self.consumer.resume(target)
            if (stop := self._stops.get(partition)) is not None:
                stop.flows_at = time.monotonic() + self._settings.consumer_watch_seconds
        self.progress.assigned(self.positions)

    def _forget(self, partition: Partition) -> None:
        """Nothing of the batch in hand may move this partition, and nothing is fetched of it.

        Until it is sought, which the watch sees to: whatever came before would be dropped.
        """
        self._sought.add(partition)
        self.positions.pop(partition, None)
        self._awaited.pop(partition, None)
        self._to_verify.pop(partition, None)
        self._in_hand.pop(partition, None)
        target, consumer = TopicPartition(*partition), self.consumer
        if consumer is not None and target in consumer.assignment():
            consumer.pause(target)

    def fetched(self, found: Fetched) -> None:
        """What the client hands over now; a seek from here on makes it worthless."""
        self._sought.clear()
        for target, records in found.items():
            self._in_hand[(target.topic, target.partition)] = [one.offset for one in records]

    def rewind(self) -> None:
        """The client failed and dropped what it had read: fetch again what was not handed over."""
        for partition in self.positions:
            target = TopicPartition(*partition)
            if target in self.consumer.assignment():
                self.consumer.seek(target, self._awaited[partition])

    def unreadable(self, target: TopicPartition, error: Exception) -> None:
        """Leave the partition alone for a while, and say what helps."""
        partition = (target.topic, target.partition)
        FETCH_FAILURES.labels(self._consumers.name, target.topic, type(error).__name__).inc()
        if partition in self.positions:
            offset = max(self.positions[partition][0], self._awaited[partition])
            why = f"offset {offset}: {cure_of(error)}"
            self._stop_partition(partition, why, retry_seconds=STOPPED_RETRY_SECONDS)

    def out_of_range(self, targets: Sequence[TopicPartition]) -> None:
        """The log was cut or made anew: the watch seeks, and finds out which."""
        for target in targets:
            self._forget((target.topic, target.partition))

    def failed(self, error: Exception) -> None:
        """This member as a whole cannot fetch: it leaves and joins again."""
        FETCH_FAILURES.labels(self._consumers.name, "", type(error).__name__).inc()
        log.error("cannot fetch", consumer=self._consumers.name, error=cure_of(error))
        self._failed = error

    async def _consume(self, message: KafkaMessage) -> None:
        records: Any = message.raw_message
        try:
            messages = await self._next_in_line([message_of(record) for record in records])
            if messages:
                self.progress.met(messages)
                await self._deliver_surely(messages)
                self._commit_soon()
        except Exception:
            # Kafka or the database did not answer between two deliveries. FastStream would swallow
            # this and go on behind the batch; without a position nothing goes on until sought.
            log.exception("batch abandoned", consumer=self._consumers.name)
            for record in records:
                self._forget((record.topic, record.partition))
        finally:
            self._in_hand.clear()

    async def _next_in_line(self, messages: list[Message]) -> list[Message]:
        """What follows the positions; anything else is looked into, never delivered.

        The client hands over what it fetched from where it was sought, or says that it cannot:
        what lies in between are marks of transactions, what they aborted, and what compaction
        removed.
        """
        by_partition: dict[Partition, list[Message]] = {}
        for message in messages:
            by_partition.setdefault((message.topic, message.partition), []).append(message)
        ahead = []
        for partition, found in by_partition.items():
            if self._holds(partition) and await self._is_next(partition, found):
                position, _ = self.positions[partition]
                self._awaited[partition] = found[-1].position + 1
                ahead += [message for message in found if message.position >= position]
        return ahead

    async def _is_next(self, partition: Partition, found: Sequence[Message]) -> bool:
        """Whether the fetch begins where it must; a lost event is an alarm, not a jump."""
        first, awaited = found[0], self._awaited[partition]
        if first.position < awaited:
            if not self._meets_the_last(partition, found):
                # The client was thrown back: the seek finds out why.
                await self._seek_again([partition])
                return False
            self._to_verify.pop(partition, None)
            return True
        last_event = self._to_verify.get(partition)
        if last_event is None:
            return True
        if first.position > awaited and await self._may_be_gone(partition, awaited):
            last_event = first.event_id
        if not self._holds(partition):
            return False  # revoked meanwhile
        self._to_verify.pop(partition, None)
        if first.position > awaited and last_event != first.event_id:
            self._stop_partition(partition, f"no event at {awaited}, where the last one was")
            return False
        if first.event_id != last_event:
            self._stop_partition(partition, "the topic was made anew under its position")
            return False
        return True

    async def _may_be_gone(self, partition: Partition, offset: int) -> bool:
        """Whether the event there may have left the topic since: by its age, or by compaction."""
        target = TopicPartition(*partition)
        beginning = (await self.consumer.beginning_offsets([target]))[target]
        return beginning > offset or await is_compacted(self._settings, partition[0])

    def _meets_the_last(self, partition: Partition, found: Sequence[Message]) -> bool:
        """Begun too early it still holds the event that we consumed last, where it was."""
        position, last_event = self.positions[partition]
        return last_event is not None and any(
            message.position == position - 1 and message.event_id == last_event for message in found
        )

    def _stop_partition(
        self,
        partition: Partition,
        why: str,
        stands_at: tuple[int, str | None] | None = None,
        retry_seconds: float = float("inf"),
    ) -> None:
        """Stand still until a person moves the position, or until it is tried again."""
        stands_at = stands_at or self.positions.get(partition)
        self._forget(partition)
        self._stops[partition] = Stop(stands_at, time.monotonic() + retry_seconds)
        self.progress.alarm(partition, why)

    def _clear_stop(self, partition: Partition) -> None:
        self._stops.pop(partition, None)
        self.progress.clear_alarm(partition)

    async def _deliver_surely(self, messages: list[Message]) -> None:
        """Deliver the batch; when it fails for good, in pieces; one that fails alone is parked.

        Cut out what was in hand when it failed and halve what follows: what waits behind many
        poisoned events is not read anew for each. One takes four transactions. When nothing was in
        hand, halve: that finds one poisoned event among 500 by 18 transactions, one by one by 500.
        """
        pieces = deque([messages])
        while pieces:
            piece = pieces.popleft()
            failure = await self._attempt(piece)
            if failure is None or not failure.lasts:
                continue
            if len(piece) > 1:
                pieces.extendleft(reversed(self._cut(piece)))
            elif failure is Failure.MISFIT and self.misfits.fails_for_all(piece[0]):
                await self._wait_until_it_fits(piece[0])
            else:
                await self._park(piece[0])

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

    async def _wait_until_it_fits(self, message: Message) -> None:
        """Code and schema do not fit: consume nothing more until they do, and say why."""
        pause, error = 1.0, self.misfits.error
        self.progress.halt(f"code and schema do not fit, nothing is consumed: {error}")
        while (failure := await self._attempt([message])) is Failure.MISFIT:
            await asyncio.sleep(pause)
            pause = min(pause * 2, BACK_OFF_SECONDS_MAX)
        self.progress.halt(None)
        self.misfits.may_fit_again()
        if failure is Failure.POISON:
            await self._park(message)

    async def _park(self, message: Message) -> None:
        error = self.progress.last_error
        log.error("parked", consumer=self._consumers.name, key=message.key, error=error)
        failure = await self._attempt([message], parking=error)
        if failure is not None and failure.lasts:
            why = f"offset {message.position} cannot be parked either: {self.progress.last_error}"
            partition = (message.topic, message.partition)
            self._stop_partition(partition, why, retry_seconds=STOPPED_RETRY_SECONDS)

    async def _attempt(self, messages: list[Message], parking: str | None = None) -> Failure | None:
        """Try until it is delivered, fenced or known to last. None is success."""
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
                if isinstance(error, DatabaseAwayError):
                    self._database_is_away()
                conflicts += failure is Failure.CONFLICT
                if failure.lasts or conflicts > self._settings.consumer_retries:
                    self.progress.last_error = self.misfits.told(error, failure)
                    return failure if failure.lasts else Failure.POISON
                RETRIES.labels(self._consumers.name).inc()
                log.warning("trying again", error=repr(error), pause_seconds=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, BACK_OFF_SECONDS_MAX)
            else:
                self._database_away_since = None
                self._advance(moves)
                if parking is None:
                    self.misfits.fit(messages)
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

    def _commit_soon(self) -> None:
        if self._committing is None:
            loop = asyncio.get_running_loop()
            self._committing = loop.call_later(COMMIT_AFTER_SECONDS, self._start_committing)

    def _start_committing(self) -> None:
        def done(_task: asyncio.Task[None]) -> None:
            self._committing = None

        self._committing = asyncio.create_task(self._commit_for_others())
        self._committing.add_done_callback(done)

    async def _commit_for_others(self) -> None:
        """By Kafka's own offsets others measure our lag; we go by our positions alone."""
        if self.consumer is None:
            return
        with suppress(KafkaError, OSError):
            async with asyncio.timeout(WATCH_SECONDS_MAX):
                reached = {p: await self._reached(p) for p in list(self.positions)}
                changed = {p: at for p, at in reached.items() if self._committed.get(p) != at}
                if not changed:
                    return
                crash_point("consumer.committing")
                await self.consumer.commit({TopicPartition(*p): at for p, at in changed.items()})
                self._committed |= changed

    async def _reached(self, partition: Partition) -> int:
        """Behind what can be delivered: past the marks of transactions that end a partition."""
        position, _ = self.positions[partition]
        if self._waiting(partition, position):
            return position
        reached: int = await self.consumer.position(TopicPartition(*partition))
        return max(position, reached)

    def _waiting(self, partition: Partition, position: int) -> int:
        """How many events were fetched and are not delivered yet."""
        return sum(offset >= position for offset in self._in_hand.get(partition, ()))

    async def _watch(self) -> None:
        """Measure lag and judge progress until this member has to leave its group."""
        while not self._has_to_leave():
            await asyncio.sleep(self._settings.consumer_watch_seconds)
            try:
                async with asyncio.timeout(WATCH_SECONDS_MAX):
                    await self._watch_database()
            except (SQLAlchemyError, DatabaseAwayError, OSError) as error:
                log.warning("database away", consumer=self._consumers.name, error=repr(error))
                self._database_is_away()
            except KafkaError as error:
                log.warning("not sought", consumer=self._consumers.name, error=repr(error))
            else:
                self._database_away_since = None
            with suppress(KafkaError, OSError, SQLAlchemyError, DatabaseAwayError):
                async with asyncio.timeout(WATCH_SECONDS_MAX):
                    await self._measure()
                await self._commit_for_others()

    def _database_is_away(self) -> None:
        if self._database_away_since is None:
            self._database_away_since = time.monotonic()

    def _has_to_leave(self) -> bool:
        """Whether others, who can position, should have what this member holds."""
        since = self._database_away_since
        session = self._settings.consumer_session_seconds
        if since is not None and time.monotonic() - since > session:
            log.error("leaves the group without its database", consumer=self._consumers.name)
            return True
        return self._failed is not None

    async def _watch_database(self) -> None:
        await self._count_parked()
        await self._look_at_stops()
        await self._seek_lost()
        await self.misfits.replay_what_may_fit()

    async def _measure(self) -> None:
        """Our own partitions; when we have none, whether anybody moves the group's."""
        if self.positions:
            asked_at = time.time()
            ends = await self.consumer.end_offsets([TopicPartition(*p) for p in self.positions])
            if any((await self._lags(ends)).values()):
                # Marks that have just been written are behind us once the client has met them.
                await asyncio.sleep(MEETS_MARKS_SECONDS)
            self.progress.measured(await self._lags(ends), asked_at)
            held = self.positions
            shortened = [tuple(t) for t, end in ends.items() if end < held.get(tuple(t), (0,))[0]]
            if shortened:
                await self._seek_again(shortened)
            return
        stored = await every_position(self._database, self._consumers.name)
        positions = {p: at for p, (at, _) in stored.items() if p not in self._stops}
        unread = await self._reader.unread(positions)
        self.progress.group_measured(positions, {p: u.events for p, u in unread.items()})

    async def _lags(self, ends: Mapping[TopicPartition, int]) -> dict[Partition, int]:
        """What is in hand, and what the client has not fetched yet."""
        lags = {}
        for target, end in ends.items():
            partition = (target.topic, target.partition)
            if partition in self.positions:  # not revoked meanwhile
                position, _ = self.positions[partition]
                reached = max(await self.consumer.position(target), position)
                lags[partition] = self._waiting(partition, position) + max(end - reached, 0)
        return lags

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
