"""Health is progress: a consumer that has lag and does not advance is not alive (decision 0025)."""

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from chassis.delivery import Move
from chassis.logs import get_logger
from chassis.messages import Message
from chassis.metrics import CONSUMER_HALTED, LAG_EVENTS, LAG_SECONDS, POSITION_ALARMS

log = get_logger(__name__)

Partition = tuple[str, int]


class Progress:
    """What one consumer has reached, and since when it stands still.

    Lag in seconds is the age of the oldest event not yet consumed. While that event is in hand its
    own timestamp says it; else it is younger than the last one consumed, and younger than the last
    look that found nothing waiting.
    """

    def __init__(self, name: str, stalled_after_seconds: float):
        self.name = name
        self._stalled_after_seconds = stalled_after_seconds
        self._moved_at: dict[Partition, float] = {}  # by the monotonic clock
        self._in_hand: dict[Partition, float] = {}  # instants of events: by the wall clock
        self._younger_than: dict[Partition, float] = {}
        self._group_stands: tuple[dict[Partition, int], float] = ({}, 0.0)
        self._group_stalled: str | None = None
        self.lags: dict[Partition, int] = {}
        self.alarms: dict[Partition, str] = {}
        self.halted: str | None = None
        self.last_error = ""

    def assigned(self, partitions: Iterable[Partition]) -> None:
        """These are ours now; what was is not."""
        kept = set(partitions)
        for topic, partition in set(self._moved_at) - kept:
            # Another member's to tell; our zero beside its figure would be a second truth.
            for lag in (LAG_EVENTS, LAG_SECONDS):
                with suppress(KeyError):
                    lag.remove(self.name, topic, str(partition))
        self._moved_at = {p: self._moved_at.get(p, time.monotonic()) for p in kept}
        for known in (self.lags, self._in_hand, self._younger_than):
            for gone in set(known) - kept:
                known.pop(gone, None)

    def met(self, messages: Sequence[Message]) -> None:
        """These were fetched and are being delivered."""
        for message in reversed(messages):
            self._in_hand[(message.topic, message.partition)] = message.sent_at_seconds

    def advanced(self, moves: Mapping[Partition, Move]) -> None:
        """Effects were committed in these partitions."""
        now = time.monotonic()
        for partition, move in moves.items():
            self._moved_at[partition] = now
            self.lags.pop(partition, None)  # what waits now came later than what was just done
            self._in_hand.pop(partition, None)
            self._younger_than[partition] = move.sent_at_seconds

    def alarm(self, partition: Partition, why: str) -> None:
        """A partition stands until that is mended or a person decides; all signals say so."""
        POSITION_ALARMS.labels(self.name, partition[0], str(partition[1])).set(1)
        if self.alarms.get(partition) != why:
            log.error("partition stands", consumer=self.name, partition=str(partition), why=why)
        self.alarms[partition] = why

    def clear_alarm(self, partition: Partition) -> None:
        """The partition flows, or is another member's to judge."""
        if self.alarms.pop(partition, None) is not None:
            POSITION_ALARMS.labels(self.name, partition[0], str(partition[1])).set(0)

    def halt(self, why: str | None) -> None:
        """The consumer as a whole stands still until what it says is mended; None: it goes on."""
        self.halted = why
        CONSUMER_HALTED.labels(self.name).set(why is not None)
        if why is not None:
            log.error("consumer halted", consumer=self.name, why=why)
        else:
            log.info("consumer goes on", consumer=self.name)

    def measured(self, lags: Mapping[Partition, int], asked_at: float) -> None:
        """So many events wait in each of our partitions, as was asked at that instant."""
        self._group_stands, self._group_stalled = ({}, 0.0), None
        for partition, lag in lags.items():
            self._set_lag(partition, lag, asked_at)

    def _set_lag(self, partition: Partition, lag: int, asked_at: float) -> None:
        if lag <= 0 or not self.lags.get(partition):  # it did not wait before this look
            self._moved_at[partition] = time.monotonic()
        self.lags[partition] = max(lag, 0)
        seconds = 0.0
        if lag <= 0:
            self._younger_than[partition] = asked_at
        else:
            younger_than = self._younger_than.setdefault(partition, asked_at)
            seconds = max(time.time() - self._in_hand.get(partition, younger_than), 0.0)
        LAG_EVENTS.labels(self.name, partition[0], str(partition[1])).set(max(lag, 0))
        LAG_SECONDS.labels(self.name, partition[0], str(partition[1])).set(seconds)

    def group_measured(
        self, positions: Mapping[Partition, int], lags: Mapping[Partition, int]
    ) -> None:
        """This member has no partition: is there lag that nobody in the group works on?

        A member that others leave nothing to do is well; one whose rejoin got lost is not.
        """
        behind = {partition for partition, lag in lags.items() if lag > 0}
        stands, since = self._group_stands
        now = time.monotonic()
        if not behind or stands != dict(positions):
            self._group_stands, self._group_stalled = (dict(positions), now), None
        elif now - since > self._stalled_after_seconds:
            names = ", ".join(sorted(f"{topic}-{partition}" for topic, partition in behind))
            self._group_stalled = f"nobody works on {names}, still {now - since:.0f} s"

    def told_alarms(self) -> list[str]:
        """What stands and why, as health and the console tell it."""
        halted = [f"{self.name}: {self.halted}"] if self.halted is not None else []
        return halted + [
            f"{self.name} {topic}-{partition}: {why}"
            for (topic, partition), why in sorted(self.alarms.items())
        ]

    def excuse(self) -> None:
        """Database or broker did not answer: nobody could move, and a restart would not help."""
        now = time.monotonic()
        self._moved_at = dict.fromkeys(self._moved_at, now)
        self._group_stands, self._group_stalled = (self._group_stands[0], now), None

    def stalled(self) -> str | None:
        """Which partition stands still although there is lag, if any, and a restart may help."""
        if self.halted is not None:
            return None
        now = time.monotonic()
        for partition, lag in self.lags.items():
            stands = now - self._moved_at.get(partition, now)
            if lag > 0 and stands > self._stalled_after_seconds:
                return f"{partition[0]}-{partition[1]}: {lag} events behind, still {stands:.0f} s"
        return self._group_stalled
