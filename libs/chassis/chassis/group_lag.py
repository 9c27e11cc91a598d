"""How far behind every consumer group is, told by every process that lives.

A frozen or dead consumer cannot tell its own lag. So each process asks the broker where each group
stands, by the offsets that its members commit for others, and what waits behind that.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from chassis.consumers import Consumers
from chassis.credentials import kafka_seen
from chassis.kafka import connection_arguments, why_unreachable
from chassis.logs import get_logger
from chassis.metrics import GROUP_LAG_EVENTS, GROUP_LAG_SECONDS
from chassis.settings import ServiceSettings
from chassis.unread import Partition, TopicReader, Unread
from contracts import STREAMS

log = get_logger(__name__)

GROUPS_MAX = 100  # groups that read our topics; a cluster may have many more
GROUPS_KNOWN_SECONDS = 60.0
LOOK_SECONDS_MAX = 30.0
BEHIND_PAUSE_SECONDS = 5.0  # while anybody is behind, it is looked more often


class GroupLag:
    """Measures all groups that read our streams, and keeps the series of those that stand."""

    def __init__(
        self, settings: ServiceSettings, consumers: Iterable[Consumers], reader: TopicReader
    ):
        self._settings = settings
        self._prefix = settings.topic_prefix
        self._own = {self._prefix + group.name: group.streams for group in consumers}
        self._reader = reader
        self._files = kafka_seen(settings)
        self._admin: AIOKafkaAdminClient | None = None
        self._groups: list[str] = []
        self._partitions: dict[str, list[int]] = {}  # by topic
        self._known_at = float("-inf")
        self._coordinators: dict[str, int] = {}
        self._stood: dict[tuple[str, Partition], tuple[int, float]] = {}  # where, since when
        self._told: set[tuple[str, str]] = set()
        self.misfit: str | None = None  # topics that have other partitions than was said

    async def run(self) -> None:
        """Measure until cancelled; while the broker is away the last figures stand."""
        try:
            while True:
                pause = self._settings.group_lag_seconds
                try:
                    async with asyncio.timeout(LOOK_SECONDS_MAX):
                        if await self.look():
                            pause = min(pause, BEHIND_PAUSE_SECONDS)
                except (KafkaError, OSError) as error:
                    why = await why_unreachable(self._settings, error) or repr(error)
                    log.warning("lag not measured", error=why)
                    await self._close()
                await asyncio.sleep(pause)
        finally:
            await self._close()

    async def look(self) -> bool:
        """Measure all groups once; whether any is behind."""
        if self._files.changed():
            await self._close()
        admin = await self._started()
        if time.monotonic() - self._known_at > GROUPS_KNOWN_SECONDS:
            await self._learn(admin)
        told: set[tuple[str, str]] = set()
        behind = False
        for group in self._groups:
            positions = await self._positions(admin, group)
            unread = await self._reader.unread(positions, group)
            told |= self._tell(group, positions, unread)
            behind = behind or any(found.events for found in unread.values())
        for gone in self._told - told:
            for gauge in (GROUP_LAG_EVENTS, GROUP_LAG_SECONDS):
                with suppress(KeyError):
                    gauge.remove(*gone)
        self._told = told
        return behind

    async def _started(self) -> AIOKafkaAdminClient:
        if self._admin is None:
            admin = AIOKafkaAdminClient(**connection_arguments(self._settings))
            try:
                await admin.start()
            except BaseException:
                await admin.close()
                raise
            self._admin = admin
        return self._admin

    async def _close(self) -> None:
        if self._admin is not None:
            admin, self._admin = self._admin, None
            await admin.close()

    async def _learn(self, admin: AIOKafkaAdminClient) -> None:
        """Which groups there are, ours among them before they ever committed, and which topics."""
        listed = {name for name, kind in await admin.list_consumer_groups() if kind == "consumer"}
        ours = {name for name in listed if name.startswith(self._prefix)}
        if len(ours) > GROUPS_MAX:
            log.warning("too many groups", groups=len(ours), measured=GROUPS_MAX)
        self._groups = sorted({*self._own, *sorted(ours)[:GROUPS_MAX]})
        topics = await admin.describe_topics([self._prefix + stream for stream in STREAMS])
        self._partitions = {
            topic["topic"]: sorted(one["partition"] for one in topic["partitions"])
            for topic in topics
            if not topic["error_code"]
        }
        self._compare_with_what_was_said()
        self._known_at = time.monotonic()

    def _compare_with_what_was_said(self) -> None:
        """Replicas are bounded by what was said; a key's partition goes by what there is."""
        said = self._settings.kafka_partitions
        others = [
            f"{topic} has {len(found)}"
            for topic, found in sorted(self._partitions.items())
            if said is not None and len(found) != said
        ]
        misfit = None
        if others:
            misfit = (
                f"KAFKA_PARTITIONS says {said} partitions, and topic {', '.join(others)}: say what"
                " there is (`kafka.partitions` of the chart), or make the topics anew while they"
                " are empty; with events in them keys would change their partition"
            )
        if misfit is not None and misfit != self.misfit:
            log.error("topics have other partitions than was said", why=misfit)
        self.misfit = misfit

    async def _positions(self, admin: AIOKafkaAdminClient, group: str) -> dict[Partition, int]:
        """Where the group stands in each partition of its topics; nowhere is the beginning."""
        committed = await self._committed(admin, group)
        topics = {topic for topic, _ in committed}
        topics |= {self._prefix + stream for stream in self._own.get(group, ())}
        return {
            (topic, number): max(committed.get((topic, number), 0), 0)
            for topic in sorted(topics & set(self._partitions))
            for number in self._partitions[topic]
        }

    async def _committed(self, admin: AIOKafkaAdminClient, group: str) -> dict[Partition, int]:
        if group not in self._coordinators:
            self._coordinators[group] = await admin.find_coordinator(group)
        try:
            found: Mapping[Any, Any] = await admin.list_consumer_group_offsets(
                group, group_coordinator_id=self._coordinators[group]
            )
        except KafkaError:
            self._coordinators.pop(group, None)  # it may have moved
            raise
        return {(target.topic, target.partition): at.offset for target, at in found.items()}

    def _tell(
        self, group: str, positions: Mapping[Partition, int], unread: Mapping[Partition, Unread]
    ) -> set[tuple[str, str]]:
        """Export the group's figures by stream."""
        events: dict[str, int] = defaultdict(int)
        oldest: dict[str, list[tuple[float, bool]]] = defaultdict(list)
        for partition, found in unread.items():
            stream = partition[0].removeprefix(self._prefix)
            events[stream] += found.events
            stands = self._stands((group, partition), positions[partition], found)
            if found.events:
                oldest[stream].append((found.oldest_at or stands[0], stands[1]))
        name = group.removeprefix(self._prefix)
        for stream, count in events.items():
            GROUP_LAG_EVENTS.labels(name, stream).set(count)
            age = _age_of(min(oldest[stream], default=None))
            GROUP_LAG_SECONDS.labels(name, stream).set_function(age)
        return {(name, stream) for stream in events}

    def _stands(
        self, key: tuple[str, Partition], position: int, found: Unread
    ) -> tuple[float, bool]:
        """Since when something waits there, and whether nothing moved since the last look."""
        at, since = self._stood.get(key, (-1, 0.0))
        if not found.events:
            self._stood.pop(key, None)
            return 0.0, False
        if at != position:
            self._stood[key] = position, time.time()
            return time.time(), False
        return since, True


def _age_of(oldest: tuple[float, bool] | None) -> Callable[[], float]:
    """The age of what waits longest; it grows between two looks where nobody moves."""
    if oldest is None:
        return lambda: 0.0
    at, stands = oldest
    age = max(time.time() - at, 0.0)
    return (lambda: max(time.time() - at, 0.0)) if stands else (lambda: age)
