"""A service's subscription to its streams: FastStream's batch subscriber, positions of our own.

FastStream fetches and keeps the group; what is committed where is decided here. Its handler never
raises: what fails is tried again, event by event, and parked by key (decision 0005).

A member is in its group only while it can position: it joins after its first transaction, and
leaves when its database is away for longer than a session, so that others take its partitions.
"""

import asyncio
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from sqlalchemy.exc import SQLAlchemyError

from chassis.attempts import Attempts
from chassis.consumers import Consumers
from chassis.crash import crash_point
from chassis.credentials import kafka_seen
from chassis.database import Database
from chassis.delivery import Delivery, Partition
from chassis.failures import DatabaseAwayError
from chassis.fetching import Fetched, Fetching, cure_of
from chassis.heard import note_heard, tell_what_is_kept
from chassis.kafka import broker_security, why_unreachable
from chassis.logs import get_logger
from chassis.messages import message_of
from chassis.metrics import FETCH_FAILURES
from chassis.positions import every_position
from chassis.progress import Progress
from chassis.settings import ServiceSettings
from chassis.standing import Positions, Standing
from chassis.unread import TopicReader

log = get_logger(__name__)

MAX_POLL_INTERVAL_MS = 300_000
# The broker answers at once when there is something. It answers the requests of a connection one by
# one, so that after a rebalance what is asked first waits this long for the fetch under way.
FETCH_WAIT_MS = 1_000
# What a member that left had waits until the others hear of it, by their next heartbeat: less than
# the 2 s for which a command waits for what it names.
HEARTBEAT_SECONDS_MAX = 1.0
JOIN_PAUSE_SECONDS_MAX = 5.0
TOLD_EVERY_SECONDS = 60.0  # why a member stays outside its group
COMMIT_AFTER_SECONDS = 1.0  # so that others may measure our lag by what is committed
MEETS_MARKS_SECONDS = 0.2
NAMESAKE_ASSIGNMENTS = 4  # within so many seconds: no rollout of replicas does that
NAMESAKE_SECONDS = 60.0
WATCH_SECONDS_MAX = 10.0  # for asking Kafka and the database, then it is asked again
METADATA_AGE_MS_MAX = 60_000  # a partition that was added is met within that


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
        self._subscriber: Any = None
        self._files = kafka_seen(settings)
        self._failed: Exception | None = None  # why this member as a whole cannot fetch
        self._committed: dict[Partition, int] = {}
        self._committing: asyncio.TimerHandle | asyncio.Task[None] | None = None
        self._assigned_at = deque[float](maxlen=NAMESAKE_ASSIGNMENTS)
        self.joined = asyncio.Event()
        self._has_to_look = asyncio.Event()  # partitions were assigned: how do they stand?
        self.progress = Progress(consumers.name, settings.stalled_after_seconds)
        self.standing = Standing(
            settings, database, consumers.name, self.progress, lambda: self.consumer
        )
        self._attempts = Attempts(settings, Delivery(consumers, database), self.standing)

    @property
    def consumer(self) -> Any:
        """The aiokafka consumer beneath; None while this member is in no group."""
        return self._subscriber.consumer if self._subscriber is not None else None

    @property
    def positions(self) -> Positions:
        """Where this member stands in each partition that it holds."""
        return self.standing.positions

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
                    await self._database.prove_writable()
            except (SQLAlchemyError, DatabaseAwayError, OSError) as error:
                if repr(error) != told or time.monotonic() - told_at > TOLD_EVERY_SECONDS:
                    told, told_at = repr(error), time.monotonic()
                    name = self._consumers.name
                    log.warning("joins no group without its database", consumer=name, error=told)
                await asyncio.sleep(pause)
                pause = min(pause * 2, JOIN_PAUSE_SECONDS_MAX)
            else:
                self._attempts.database_away_since = None
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
                await self._leave(broker)
                why = await why_unreachable(self._settings, error) or cure_of(error)
                log.warning("cannot join", consumer=self._consumers.name, error=why)
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
            # A static member: killed and started again it does not wait for its old session's end.
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
        self.standing.forget_all()
        if self._committing is not None:
            self._committing.cancel()
            self._committing = None
        await broker.stop()
        self._subscriber, self._failed = None, None

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Forget them; the fence refuses what is still under way."""
        for partition in revoked:
            self.standing.forget((partition.topic, partition.partition))
            self.standing.clear_stop((partition.topic, partition.partition))

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Seek to the positions in the database; what fails here is sought by the watch.

        Nothing is fetched before: the client would begin where the group's own offset says, what it
        brought would be sought again, and each of the seek's questions would wait for such a fetch.

        The client sends no heartbeat meanwhile: waiting for the database longer than a session
        lasts, the member would be expelled and asked again, for ever.
        """
        self.consumer.pause(*assigned)
        self._look_for_a_namesake()
        for partition in assigned:
            self.consumer.seek(partition, 0)  # so that the client does not ask the group's offset
        partitions = [(partition.topic, partition.partition) for partition in assigned]
        try:
            async with asyncio.timeout(self._settings.consumer_session_seconds / 2):
                await self.standing.seek(partitions)
        except (KafkaError, SQLAlchemyError, DatabaseAwayError, OSError) as error:
            log.warning(
                "not sought yet",
                consumer=self._consumers.name,
                partitions=str(sorted(partitions)),
                error=repr(error),
            )
        self._has_to_look.set()

    def _look_for_a_namesake(self) -> None:
        """Two under one name throw each other out for ever, and the broker does not say why."""
        name, now = self._settings.consumer_instance_id, time.monotonic()
        self._assigned_at.append(now)
        often = len(self._assigned_at) == NAMESAKE_ASSIGNMENTS
        if name is not None and often and now - self._assigned_at[0] < NAMESAKE_SECONDS:
            log.error(
                "thrown out again and again: does another replica have the same"
                " CONSUMER_INSTANCE_ID? Leave it unset where replicas share their settings",
                consumer=self._consumers.name,
                instance=name,
            )

    def fetched(self, found: Fetched) -> None:
        """What the client hands over now."""
        self.standing.fetched(found)

    def rewind(self) -> None:
        """The client dropped what it had read."""
        self.standing.rewind()

    def unreadable(self, target: TopicPartition, error: Exception) -> None:
        """The partition cannot be read where it stands."""
        self.standing.unreadable(target, error)

    def out_of_range(self, targets: Sequence[TopicPartition]) -> None:
        """The log was cut or made again."""
        self.standing.out_of_range(targets)

    def failed(self, error: Exception) -> None:
        """This member as a whole cannot fetch: it leaves and joins again."""
        FETCH_FAILURES.labels(self._consumers.name, "", type(error).__name__).inc()
        log.error("cannot fetch", consumer=self._consumers.name, error=cure_of(error))
        self._failed = error

    async def _consume(self, message: KafkaMessage) -> None:
        records: Any = message.raw_message
        try:
            messages = await self.standing.next_in_line([message_of(record) for record in records])
            if messages:
                self.progress.met(messages)
                await self._attempts.deliver_surely(messages)
                self._commit_soon()
        except Exception:
            # Kafka or the database did not answer between two deliveries. FastStream would swallow
            # this and go on behind the batch; without a position nothing goes on until sought.
            log.exception("batch abandoned", consumer=self._consumers.name)
            for record in records:
                self.standing.forget((record.topic, record.partition))
        finally:
            self.standing.in_hand.clear()

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
                reached = {p: await self.standing.reached(p) for p in list(self.positions)}
                changed = {p: at for p, at in reached.items() if self._committed.get(p) != at}
                if not changed:
                    return
                crash_point("consumer.committing")
                await self.consumer.commit({TopicPartition(*p): at for p, at in changed.items()})
                self._committed |= changed

    async def _watch(self) -> None:
        """Measure lag and judge progress until this member has to leave its group."""
        while not self._has_to_leave():
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.consumer_watch_seconds):
                    await self._has_to_look.wait()
            self._has_to_look.clear()
            if await self._database_answers():
                with suppress(KafkaError, OSError, SQLAlchemyError, DatabaseAwayError):
                    async with asyncio.timeout(WATCH_SECONDS_MAX):
                        await self.standing.look_at_stops()
                        await self.standing.seek_lost()
                    await self._attempts.misfits.replay_what_may_fit()
            else:
                self.progress.excuse()
            try:
                async with asyncio.timeout(WATCH_SECONDS_MAX):
                    await self._measure()
                await self._commit_for_others()
            except (KafkaError, OSError, SQLAlchemyError, DatabaseAwayError):
                self.progress.excuse()

    async def _database_answers(self) -> bool:
        try:
            async with asyncio.timeout(WATCH_SECONDS_MAX):
                await tell_what_is_kept(self._database, self._consumers.name)
                await self._database.prove_writable()
        except (SQLAlchemyError, DatabaseAwayError, OSError) as error:
            log.warning("database away", consumer=self._consumers.name, error=repr(error))
            self._attempts.database_is_away()
            return False
        self._attempts.database_away_since = None
        return True

    def _has_to_leave(self) -> bool:
        """Whether others, who can position, should have what this member holds."""
        since = self._attempts.database_away_since
        session = self._settings.consumer_session_seconds
        if since is not None and time.monotonic() - since > session:
            log.error("leaves the group without its database", consumer=self._consumers.name)
            return True
        return self._failed is not None or self._files.changed()

    async def _measure(self) -> None:
        """Our own partitions; when we have none, whether anybody moves the group's."""
        if self.positions:
            asked_at = time.time()
            ends = await self.consumer.end_offsets([TopicPartition(*p) for p in self.positions])
            if any((await self._lags(ends)).values()):
                # Marks that have just been written are behind us once the client has met them.
                await asyncio.sleep(MEETS_MARKS_SECONDS)
            lags = await self._lags(ends)
            self.progress.measured(lags, asked_at)
            await self._note_heard(lags, asked_at)
            held = self.positions
            shortened = [tuple(t) for t, end in ends.items() if end < held.get(tuple(t), (0,))[0]]
            if shortened:
                await self.standing.seek_again(shortened)
            return
        stored = await every_position(self._database, self._consumers.name)
        positions = {p: at for p, (at, _) in stored.items() if p not in self.standing.stops}
        unread = await self._reader.unread(positions, self._consumers.name)
        self.progress.group_measured(positions, {p: u.events for p, u in unread.items()})

    async def _lags(self, ends: Mapping[TopicPartition, int]) -> dict[Partition, int]:
        """What is in hand, and what the client has not fetched yet."""
        lags = {}
        for target, end in ends.items():
            partition = (target.topic, target.partition)
            if partition in self.positions:  # not revoked meanwhile
                position, _ = self.positions[partition]
                reached = max(await self.consumer.position(target), position)
                lags[partition] = self.standing.waiting(partition, position) + max(end - reached, 0)
        return lags

    async def _note_heard(self, lags: Mapping[Partition, int], asked_at: float) -> None:
        """Where nothing waited when it was asked, everything until then is heard."""
        ours = {partition: at for partition, (at, _) in self.positions.items()}
        caught_up = {one: ours[one] for one, lag in lags.items() if lag == 0 and one in ours}
        await note_heard(self._database, self._consumers.name, caught_up, asked_at)


async def _keep_raw(record: Any) -> KafkaMessage:
    """FastStream's own parser fails on undecodable headers; ours reads the records itself."""
    return KafkaMessage(body=b"", raw_message=record, consumer=None)  # type: ignore[arg-type]


async def _keep_undecoded(message: KafkaMessage) -> KafkaMessage:
    return message
