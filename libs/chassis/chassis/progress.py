"""Health is progress: a consumer that has lag and does not advance is not alive (design.md 4)."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from chassis.logs import get_logger
from chassis.metrics import LAG_EVENTS, LAG_SECONDS

log = get_logger(__name__)

Partition = tuple[str, int]


class Progress:
    """What one consumer has reached, and since when it stands still."""

    WATCH_SECONDS = 10.0

    def __init__(self, name: str, stalled_after_seconds: float):
        self.name = name
        self._stalled_after_seconds = stalled_after_seconds
        self._moved_at: dict[Partition, float] = {}
        self.lags: dict[Partition, int] = {}
        self.alarms: dict[Partition, str] = {}
        self.last_error = ""

    def assigned(self, partitions: Iterable[Partition]) -> None:
        """These are ours now; what was is not."""
        kept = set(partitions)
        for gone in set(self._moved_at) - kept:
            LAG_EVENTS.labels(self.name, gone[0], str(gone[1])).set(0)
            LAG_SECONDS.labels(self.name, gone[0], str(gone[1])).set(0)
        self._moved_at = {p: self._moved_at.get(p, time.monotonic()) for p in kept}
        self.lags = {p: lag for p, lag in self.lags.items() if p in kept}

    def advanced(self, partitions: Iterable[Partition]) -> None:
        """Effects were committed in these partitions."""
        now = time.monotonic()
        for partition in partitions:
            self._moved_at[partition] = now
            self.lags.pop(partition, None)  # what waits now came later than what was just done

    def alarm(self, partition: Partition, why: str) -> None:
        """Stop a partition until a person decides; it shows in health, metrics and log."""
        self.alarms[partition] = why
        log.error("position lost", consumer=self.name, partition=str(partition), why=why)

    async def measure(self, consumer: Any, positions: Mapping[Partition, Any]) -> None:
        """Ask Kafka for the ends and set the lag metrics."""
        targets = [TopicPartition(*partition) for partition in list(positions)]
        if not targets:
            return
        with suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(self.WATCH_SECONDS):
                ends = await consumer.end_offsets(targets)
            for target, end in ends.items():
                self._set_lag((target.topic, target.partition), positions, end)

    def _set_lag(self, partition: Partition, positions: Mapping[Partition, Any], end: int) -> None:
        if partition not in positions:
            return
        lag = max(end - positions[partition][0], 0)
        has_waited = self.lags.get(partition, 0) > 0
        self.lags[partition] = lag
        now = time.monotonic()
        if lag == 0 or not has_waited:  # after quiet hours the first event has not waited for hours
            self._moved_at[partition] = now
        waiting_seconds = now - self._moved_at.get(partition, now)
        LAG_EVENTS.labels(self.name, partition[0], str(partition[1])).set(lag)
        LAG_SECONDS.labels(self.name, partition[0], str(partition[1])).set(waiting_seconds)

    def stalled(self) -> str | None:
        """Which partition stands still although there is lag, if any."""
        now = time.monotonic()
        for partition, lag in self.lags.items():
            stands = now - self._moved_at.get(partition, now)
            if lag > 0 and stands > self._stalled_after_seconds:
                return f"{partition[0]}-{partition[1]}: {lag} events behind, still {stands:.0f} s"
        return None
