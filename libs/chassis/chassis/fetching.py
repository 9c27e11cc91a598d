"""The consumer beneath a subscription: what it fetches is handed on, what it cannot is reported.

aiokafka raises for one partition and drops what it had read of the others in the same call, and
FastStream would wait in silence and ask again. Here each failure names its partition.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import (
    ConsumerStoppedError,
    CorruptRecordException,
    GroupAuthorizationFailedError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    RecordTooLargeError,
    TopicAuthorizationFailedError,
    UnsupportedCodecError,
)

ALONE_MS = 2_000  # for what is fetched again by itself; the broker answers within half of that
# FastStream asks again and pauses in between as long as it is told to wait, 40 ms: with nothing to
# hand over each member would be asked a dozen times a second. The client wakes at the first record.
IDLE_WAIT_MS = 1_000
REPORTED_PAUSE_SECONDS = 1.0  # a failure of the whole member is not asked again at once

Fetched = dict[TopicPartition, list[ConsumerRecord]]

_CURES = {
    UnsupportedCodecError: "its compression is not known here: update the chassis's `cramjam`, or"
    " let the topic's `compression.type` be one of gzip, snappy, lz4, zstd",
    CorruptRecordException: "its bytes are damaged: bring the partition back from a replica, or"
    " step over the offset (`positions step-over`)",
    RecordTooLargeError: "it is larger than a fetch: lower the topic's `max.message.bytes`, or"
    " step over the offset (`positions step-over`)",
    TopicAuthorizationFailedError: "the broker does not let us read the topic: grant this service"
    " READ on it",
    GroupAuthorizationFailedError: "the broker does not let us join the group: grant this service"
    " READ on it",
}


class Subscriber(Protocol):
    """Who hears what came of a fetch."""

    def fetched(self, found: Fetched) -> None:
        """These are on their way to the handler."""

    def rewind(self) -> None:
        """Whatever was fetched and not handed over must be fetched again."""

    def unreadable(self, partition: TopicPartition, error: Exception) -> None:
        """The partition cannot be read at its position; leave it alone for a while."""

    def out_of_range(self, partitions: Sequence[TopicPartition]) -> None:
        """The client's offset is not in the log."""

    def failed(self, error: Exception) -> None:
        """The member as a whole cannot fetch."""


class Fetching(AIOKafkaConsumer):  # type: ignore[misc]
    """A consumer whose every fetch ends in records or in a report to its subscriber."""

    def __init__(self, *topics: str, subscriber: Subscriber, **options: Any):
        super().__init__(*topics, **options)
        self._subscriber = subscriber

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> Fetched:
        """Like aiokafka's, but never raises for what the broker holds or refuses."""
        try:
            found: Fetched = await super().getmany(
                *partitions, timeout_ms=max(timeout_ms, IDLE_WAIT_MS), max_records=max_records
            )
        except ConsumerStoppedError:
            raise
        except Exception as error:
            # Whatever decoding or the broker says: a consumer that raised here would stand still.
            found = await self._what_can_be_read(error, max_records)
        self._subscriber.fetched(found)
        return found

    async def _what_can_be_read(self, error: Exception, max_records: int | None) -> Fetched:
        failing = self._partitions_of(error)
        self._subscriber.rewind()
        if not failing:
            self._subscriber.failed(error)
            await asyncio.sleep(REPORTED_PAUSE_SECONDS)
            return {}
        if isinstance(error, OffsetOutOfRangeError | NoOffsetForPartitionError):
            self._subscriber.out_of_range(failing)
            return {}
        if isinstance(error, TopicAuthorizationFailedError | RecordTooLargeError):
            for partition in failing:
                self._subscriber.unreadable(partition, error)
            return {}
        return await self._alone(failing[0], max_records or 1)

    async def _alone(self, partition: TopicPartition, max_records: int) -> Fetched:
        """One by one what stands before the batch that cannot be read, and report that."""
        records: list[ConsumerRecord] = []
        while len(records) < max_records and partition in self.assignment():
            try:
                found = await super().getmany(partition, timeout_ms=ALONE_MS, max_records=1)
            except ConsumerStoppedError:
                raise
            except Exception as error:
                if not records:  # else they go first, and the next fetch meets the error again
                    self._subscriber.unreadable(partition, error)
                break
            if not found:
                break
            records += found[partition]
        return {partition: records} if records else {}

    def _partitions_of(self, error: Exception) -> list[TopicPartition]:
        """Whom the error is about; the client says so in one of several ways, or not at all."""
        told = error.args[0] if error.args else None
        if isinstance(error, OffsetOutOfRangeError) and isinstance(told, dict):
            return list(told)
        if isinstance(error, NoOffsetForPartitionError) and isinstance(told, TopicPartition):
            return [told]
        if isinstance(error, RecordTooLargeError):
            return [one for one in error.args if isinstance(one, TopicPartition)]
        if isinstance(error, TopicAuthorizationFailedError):
            return [one for one in self.assignment() if one.topic == told]
        # What it could not decode is the first that it still holds: what it had read is gone.
        return list(self._fetcher._records)[:1] if self._fetcher is not None else []


def cure_of(error: Exception) -> str:
    """What an operator reads: what is wrong, and what helps."""
    for kind, cure in _CURES.items():
        if isinstance(error, kind):
            return f"{cure} ({type(error).__name__}: {error})"
    return f"{type(error).__name__}: {error}"
