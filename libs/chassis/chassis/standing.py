"""Where a member stands in each partition, and what may be handed over next.

The position in the database alone counts. The client is sought there, what it brings is held
against it, and a partition that cannot go on stands with an alarm while the others flow.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition

from chassis.database import Database
from chassis.delivery import Move, Partition
from chassis.fetching import Fetched, cure_of
from chassis.kafka import is_compacted
from chassis.logs import get_logger
from chassis.messages import Message
from chassis.metrics import FETCH_FAILURES
from chassis.positions import every_position, read_positions
from chassis.progress import Progress
from chassis.settings import ServiceSettings

log = get_logger(__name__)

STOPPED_RETRY_SECONDS = 30.0  # what could not be read or parked may be mended outside

Positions = dict[Partition, tuple[int, str | None]]


@dataclass(slots=True)
class Stop:
    """A partition that stands still: where it stands, and when it is tried again, if ever."""

    stands_at: tuple[int, str | None] | None
    retry_at: float = float("inf")
    flows_at: float = float("inf")  # when it has gone on for long enough to be believed


class Standing:
    """The partitions of one member."""

    def __init__(
        self,
        settings: ServiceSettings,
        database: Database,
        name: str,
        progress: Progress,
        consumer_of: Callable[[], Any],
    ):
        self._settings = settings
        self._database = database
        self._consumer_of = consumer_of
        self.name = name
        self.progress = progress
        self.positions: Positions = {}
        self._awaited: dict[Partition, int] = {}  # the offset that the next fetch must bring
        self._to_verify: dict[Partition, str] = {}  # the event that must be met first, after a seek
        self._sought: set[Partition] = set()  # or revoked, since the batch in hand was fetched
        self.in_hand: dict[Partition, list[int]] = {}  # offsets fetched and not yet delivered
        self.stops: dict[Partition, Stop] = {}

    @property
    def consumer(self) -> Any:
        """The aiokafka consumer beneath; None while the member is in no group."""
        return self._consumer_of()

    def forget_all(self) -> None:
        """The member leaves its group: what stands is for others to judge."""
        for partition in [*self.positions, *self.stops]:
            self.forget(partition)
            self.clear_stop(partition)
        self.progress.assigned(())

    async def seek_lost(self) -> None:
        """Seek what is ours but has no position: the broker or the database was away when asked."""
        assigned = {(target.topic, target.partition) for target in self.consumer.assignment()}
        lost = assigned - set(self.positions) - set(self.stops)
        if lost:
            log.warning("seeking again", consumer=self.name, partitions=str(sorted(lost)))
            await self.seek(sorted(lost))

    async def look_at_stops(self) -> None:
        """Go on where a person has moved the position, or where its time has come to try again."""
        if not self.stops:
            return
        now = time.monotonic()
        stored = await every_position(self._database, self.name)
        due = []
        for partition, stop in list(self.stops.items()):
            if partition in self.positions:
                if now >= stop.flows_at:
                    self.clear_stop(partition)
            elif stored.get(partition) != stop.stands_at:
                self.clear_stop(partition)  # a person has moved it
                due.append(partition)
            elif now >= stop.retry_at:
                due.append(partition)
        if due:
            log.info("tried again", consumer=self.name, partitions=str(due))
            await self.seek(due)

    async def seek(self, partitions: Sequence[Partition]) -> None:
        """Go to the stored positions; one event back, to see that it is still the one we know."""
        stored = await read_positions(self._database, self.name, self.consumer, partitions)
        for partition, start in stored.items():
            target = TopicPartition(*partition)
            if target not in self.consumer.assignment():
                continue  # revoked while the database was asked
            if start.alarm is not None:
                self.stop_partition(partition, start.alarm, (start.position, start.last_event))
                continue
            self.forget(partition)
            self.positions[partition] = (start.position, start.last_event)
            self._awaited[partition] = start.position
            if start.last_event is not None and start.position > start.beginning:
                self._to_verify[partition] = start.last_event
                self._awaited[partition] -= 1
            self.consumer.seek(target, self._awaited[partition])
            self.consumer.resume(target)
            if (stop := self.stops.get(partition)) is not None:
                stop.flows_at = time.monotonic() + self._settings.consumer_watch_seconds
        self.progress.assigned(self.positions)

    def forget(self, partition: Partition) -> None:
        """Nothing of the batch in hand may move this partition, and nothing is fetched of it.

        Until it is sought, which the watch sees to: whatever came before would be dropped.
        """
        self._sought.add(partition)
        self.positions.pop(partition, None)
        self._awaited.pop(partition, None)
        self._to_verify.pop(partition, None)
        self.in_hand.pop(partition, None)
        target, consumer = TopicPartition(*partition), self.consumer
        if consumer is not None and target in consumer.assignment():
            consumer.pause(target)

    def fetched(self, found: Fetched) -> None:
        """What the client hands over now; a seek from here on makes it worthless."""
        self._sought.clear()
        for target, records in found.items():
            self.in_hand[(target.topic, target.partition)] = [one.offset for one in records]

    def rewind(self) -> None:
        """The client failed and dropped what it had read: fetch again what was not handed over."""
        for partition in self.positions:
            target = TopicPartition(*partition)
            if target in self.consumer.assignment():
                self.consumer.seek(target, self._awaited[partition])

    def unreadable(self, target: TopicPartition, error: Exception) -> None:
        """Leave the partition alone for a while, and say what helps."""
        partition = (target.topic, target.partition)
        FETCH_FAILURES.labels(self.name, target.topic, type(error).__name__).inc()
        if partition in self.positions:
            offset = max(self.positions[partition][0], self._awaited[partition])
            why = f"offset {offset}: {cure_of(error)}"
            self.stop_partition(partition, why, heals=True)

    def out_of_range(self, targets: Sequence[TopicPartition]) -> None:
        """The log was cut or made again: the watch seeks, and finds out which."""
        for target in targets:
            self.forget((target.topic, target.partition))

    async def next_in_line(self, messages: list[Message]) -> list[Message]:
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
            if self.holds(partition) and await self._is_next(partition, found):
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
                await self.seek_again([partition])
                return False
            self._to_verify.pop(partition, None)
            return True
        last_event = self._to_verify.get(partition)
        if last_event is None:
            return True
        if first.position > awaited and await self._may_be_gone(partition, awaited):
            last_event = first.event_id
        if not self.holds(partition):
            return False  # revoked meanwhile
        self._to_verify.pop(partition, None)
        if first.position > awaited and last_event != first.event_id:
            self.stop_partition(partition, f"no event at {awaited}, where the last one was")
            return False
        if first.event_id != last_event:
            self.stop_partition(partition, "the topic was made anew under its position")
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

    def stop_partition(
        self,
        partition: Partition,
        why: str,
        stands_at: tuple[int, str | None] | None = None,
        *,
        heals: bool = False,
    ) -> None:
        """Stand still until a person moves the position, or until it is tried again."""
        stands_at = stands_at or self.positions.get(partition)
        self.forget(partition)
        pause = STOPPED_RETRY_SECONDS if heals else float("inf")
        self.stops[partition] = Stop(stands_at, time.monotonic() + pause)
        self.progress.alarm(partition, why)

    def clear_stop(self, partition: Partition) -> None:
        """The partition flows, or is another member's to judge."""
        self.stops.pop(partition, None)
        self.progress.clear_alarm(partition)

    def moves(self, messages: list[Message]) -> dict[Partition, Move]:
        """Where each partition of the batch stands and goes.

        Drops what was revoked or sought meanwhile: it is fetched again from where the position is
        by now, and moving from there to the end of this batch would jump over events.
        """
        messages[:] = [m for m in messages if self.holds((m.topic, m.partition))]
        return {
            (m.topic, m.partition): Move(
                self.positions[(m.topic, m.partition)][0],
                m.position + 1,
                m.event_id,
                m.sent_at_seconds,
            )
            for m in messages
        }

    def holds(self, partition: Partition) -> bool:
        """Whether what was fetched of it may still move it."""
        return partition in self.positions and partition not in self._sought

    def advance(self, moves: dict[Partition, Move]) -> None:
        """These moves are committed."""
        for partition, move in moves.items():
            if self.holds(partition):
                self.positions[partition] = (move.next, move.last_event)
        self.progress.advanced(moves)

    async def seek_again(self, partitions: list[Partition]) -> None:
        """Go back to what the database says, in those that are still ours."""
        for partition in partitions:
            self.forget(partition)
        still_ours = {(tp.topic, tp.partition) for tp in self.consumer.assignment()}
        await self.seek([partition for partition in partitions if partition in still_ours])

    async def reached(self, partition: Partition) -> int:
        """Behind what can be delivered: past the marks of transactions that end a partition."""
        position, _ = self.positions[partition]
        if self.waiting(partition, position):
            return position
        reached: int = await self.consumer.position(TopicPartition(*partition))
        return max(position, reached)

    def waiting(self, partition: Partition, position: int) -> int:
        """How many events were fetched and are not delivered yet."""
        return sum(offset >= position for offset in self.in_hand.get(partition, ()))
