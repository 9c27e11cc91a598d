"""What a topic holds behind a position, in events that can be delivered.

Offsets are no measure of it: marks of transactions, what they aborted, and what compaction removed
have offsets, too. So what lies behind is read, a little of it, by nobody's group.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from chassis.credentials import kafka_seen
from chassis.kafka import connection_arguments
from chassis.logs import get_logger
from chassis.settings import ServiceSettings

log = get_logger(__name__)

Partition = tuple[str, int]

COUNTED_EVENTS_MAX = 100  # of a partition; beyond them offsets are counted, which are no fewer
READ_SECONDS_MAX = 1.0  # of a partition
FETCH_BYTES = 64 * 1024
METADATA_AGE_MS_MAX = 60_000


@dataclass(frozen=True, slots=True)
class Unread:
    """How many events wait behind a position, and since when, if the first could be read."""

    events: int
    oldest_at: float | None = None


@dataclass(slots=True)
class _Seen:
    """What was read behind a position so far; while it stands, only what is new is read."""

    position: int
    read_to: int
    events: int = 0
    oldest_at: float | None = None


class TopicReader:
    """Reads topics for all who measure in this process, one at a time. Started when first used."""

    def __init__(self, settings: ServiceSettings):
        self._settings = settings
        self._files = kafka_seen(settings)
        self._consumer: AIOKafkaConsumer | None = None
        self._one_at_a_time = asyncio.Lock()
        self._reads = True
        self._seen: dict[tuple[str, Partition], _Seen] = {}

    async def close(self) -> None:
        """Leave Kafka."""
        if self._consumer is not None:
            consumer, self._consumer = self._consumer, None
            try:
                await consumer.stop()
            except asyncio.CancelledError:  # of a task of the client's own that had not begun
                if (task := asyncio.current_task()) is not None and task.cancelling():
                    raise

    async def unread(
        self,
        positions: Mapping[Partition, int],
        group: str = "",
        ends: Mapping[Partition, int] | None = None,
    ) -> dict[Partition, Unread]:
        """What waits behind each of the positions, until now or until the given ends.

        `group` names whose positions they are.

        Raises:
            KafkaError: the broker does not answer.

        """
        async with self._one_at_a_time:
            if self._files.changed():
                await self.close()
            consumer = await self._started()
            if ends is None:
                targets = [TopicPartition(*partition) for partition in positions]
                found = await consumer.end_offsets(targets) if targets else {}
                ends = {(target.topic, target.partition): end for target, end in found.items()}
            self._reads = True
            return {
                partition: await self._behind(consumer, group, partition, position, ends[partition])
                for partition, position in positions.items()
            }

    async def _started(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(
                **connection_arguments(self._settings),
                isolation_level="read_committed",
                auto_offset_reset="earliest",
                enable_auto_commit=False,
                max_partition_fetch_bytes=FETCH_BYTES,
                metadata_max_age_ms=METADATA_AGE_MS_MAX,
            )
            try:
                await consumer.start()
            except BaseException:
                await consumer.stop()
                raise
            self._consumer = consumer
        return self._consumer

    async def _behind(
        self,
        consumer: AIOKafkaConsumer,
        group: str,
        partition: Partition,
        position: int,
        end: int,
    ) -> Unread:
        seen = self._seen.get((group, partition))
        if seen is None or seen.position != position:
            seen = self._seen[(group, partition)] = _Seen(position, position)
        if self._reads and seen.read_to < end and seen.events < COUNTED_EVENTS_MAX:
            await self._read(consumer, partition, seen, end)
        return Unread(seen.events + max(end - seen.read_to, 0), seen.oldest_at)

    async def _read(
        self, consumer: AIOKafkaConsumer, partition: Partition, seen: _Seen, end: int
    ) -> None:
        """Count on from where it was read to; what cannot be read counts by its offsets."""
        target = TopicPartition(*partition)
        consumer.assign([target])
        consumer.seek(target, seen.read_to)
        try:
            async with asyncio.timeout(READ_SECONDS_MAX):
                while seen.read_to < end and seen.events < COUNTED_EVENTS_MAX:
                    room = COUNTED_EVENTS_MAX - seen.events
                    found = await consumer.getmany(timeout_ms=200, max_records=room)
                    records = [one for one in found.get(target, ()) if one.offset < end]
                    if records and seen.oldest_at is None:
                        seen.oldest_at = max(records[0].timestamp, 0) / 1000
                    seen.events += len(records)
                    seen.read_to = min(await consumer.position(target), end)
        except (KafkaError, TimeoutError, ValueError, RuntimeError) as error:
            # A broker that is slow now is not asked for each of the others, too.
            self._reads = not isinstance(error, TimeoutError)
            log.info("not counted", partition=str(partition), error=repr(error))
        finally:
            # It would go on fetching for nobody.
            consumer.unsubscribe()
