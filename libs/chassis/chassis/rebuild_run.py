"""Carry a rebuild out: ask the owners, wait until all they stated was sent and heard, finish.

Each step is kept in `rebuilds` or can be taken again, so it goes on after a kill at any place.
"""

import asyncio
import getpass
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from sqlalchemy import func, select

from chassis.consumers import Consumers
from chassis.errors import OutsideError
from chassis.identity import Principal
from chassis.kafka import connection_arguments
from chassis.parts import Parts, Running
from chassis.rebuild import Copied, Tell, running_rebuild
from chassis.settings import ServiceSettings
from chassis.tables import ConsumerPosition, ParkedKey, Rebuild
from chassis.unread import COUNTED_EVENTS_MAX, TopicReader

LOOK_EVERY_SECONDS = 0.5
HINT_AFTER_SECONDS = 20.0
RESTATEMENTS = "/internal/restatements"


async def rebuild(parts: Parts, running: Running, tell: Tell) -> int:
    """The verb `rebuild`; 0 when it is done, 1 when the service copies nothing."""
    if running.copied is None:
        tell(f"{parts.name} copies nothing of others")
        return 1
    await parts.sideways.start()
    try:
        await Rebuilding(parts, list(running.consumers.values()), running.copied, tell).run()
    finally:
        await parts.sideways.close()
        await parts.database.close()
    return 0


class Rebuilding:
    """One rebuild, from its beginning or from where it stood."""

    def __init__(self, parts: Parts, consumers: Sequence[Consumers], copied: Copied, tell: Tell):
        self._settings = parts.settings
        self._database = parts.database
        self._sideways = parts.sideways
        self._consumers = consumers
        self._copied = copied
        self._tell = tell
        self._who = Principal(getpass.getuser(), "administrator", "*", caller="rebuild")

    async def run(self) -> None:
        """All of it."""
        running = await self._begin()
        await asyncio.gather(*(self._stated(running.id, owner) for owner in self._copied.owners))
        await self._heard()
        if self._copied.finish is not None:
            await self._copied.finish(self._database, running, self._tell)
        await self._end(running.id)

    async def _begin(self) -> Rebuild:
        async with self._database.transaction() as session:
            await session.execute(
                select(func.pg_advisory_xact_lock(func.hashtext("channelbus.rebuild")))
            )
            running = await running_rebuild(session)
            if running is not None:
                self._tell(f"going on with the rebuild that began at {running.began_at:%F %T} UTC")
                return running
            running = Rebuild()
            session.add(running)
            await session.flush()
            await session.refresh(running)
            self._tell("rebuilding")
            return running

    async def _stated(self, rebuild_id: int, owner: str) -> None:
        """Until the owner has stated all of it again and has sent what it stated."""
        told = _Progress(self._tell, f"{owner} does not go on; is it running?")
        stated_through: int | None = None
        while True:
            try:
                known = await self._look(rebuild_id, owner)
            except OutsideError as error:
                told.look(f"{owner:<14} does not answer ({error.detail}); waiting")
            else:
                for one in reversed(known["restatements"]):
                    told.look(_line(owner, one["aggregate"], one["done"], one["total"]))
                outbox = known["outbox"]
                if stated_through is not None:
                    if outbox["oldest"] is None or outbox["oldest"] > stated_through:
                        return
                elif all(one["finished_at"] for one in known["restatements"]):
                    stated_through = outbox["newest"] or 0
                    continue
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def _look(self, rebuild_id: int, owner: str) -> dict[str, Any]:
        """How far the owner is; it is asked first, and again when it does not know of it."""
        url = getattr(self._settings, f"{owner.replace('-', '_')}_url")
        async with self._database.transaction() as session:
            asked = (await session.get_one(Rebuild, rebuild_id)).asked.get(owner)
        if asked:
            query = "&".join(f"ids={one}" for one in asked)
            known = await self._sideways.get(url, f"{RESTATEMENTS}?{query}", self._who)
            if len(known["restatements"]) == len(asked):
                return dict(known)
        wanted = {"aggregates": list(self._copied.owners[owner])}
        answer = await self._sideways.post(url, RESTATEMENTS, self._who, wanted)
        async with self._database.transaction() as session:
            row = await session.get_one(Rebuild, rebuild_id, with_for_update=True)
            row.asked = {**row.asked, owner: answer["restatements"]}
        return await self._look(rebuild_id, owner)

    async def _heard(self) -> None:
        """Until every consumer of this service is where the streams end now."""
        streams = sorted({stream for group in self._consumers for stream in group.streams})
        ends = await _ends(self._settings, [self._settings.topic_prefix + s for s in streams])
        told = _Progress(self._tell, "the consumers do not advance; is the service running?")
        at_first, reader = None, TopicReader(self._settings)
        try:
            while behind := await self._behind(ends, reader):
                at_first = max(at_first or 0, behind)
                told.look(_line("", "heard", at_first - behind, at_first))
                await asyncio.sleep(LOOK_EVERY_SECONDS)
        finally:
            await reader.close()
        for consumer, keys in await self._parked():
            self._tell(f"{consumer}: {keys:,} keys are parked; theirs comes when they are replayed")

    async def _behind(self, ends: dict[tuple[str, int], int], reader: TopicReader) -> int:
        table = ConsumerPosition
        async with self._database.transaction() as session:
            rows = await session.execute(
                select(table.consumer, table.topic, table.partition, table.position)
            )
            positions = {(consumer, topic, part): at for consumer, topic, part, at in rows}
        prefix = self._settings.topic_prefix
        behind = 0
        for group in self._consumers:
            close = {}
            for partition, end in ends.items():
                if partition[0].removeprefix(prefix) in group.streams:
                    position = positions.get((group.name, *partition), 0)
                    if 0 < end - position <= COUNTED_EVENTS_MAX:
                        close[partition] = position  # marks of transactions may be all there is
                    else:
                        behind += max(end - position, 0)
            unread = await reader.unread(close, group.name, ends)
            behind += sum(found.events for found in unread.values())
        return behind

    async def _parked(self) -> list[tuple[str, int]]:
        async with self._database.transaction() as session:
            rows = await session.execute(
                select(ParkedKey.consumer, func.count()).group_by(ParkedKey.consumer)
            )
            return [(consumer, keys) for consumer, keys in rows]

    async def _end(self, rebuild_id: int) -> None:
        async with self._database.transaction() as session:
            row = await session.get_one(Rebuild, rebuild_id, with_for_update=True)
            row.finished_at = await session.scalar(select(func.clock_timestamp()))
            assert row.finished_at
            for what, counted in sorted(row.changes.items()):
                numbers = ", ".join(f"{number:,} {change}" for change, number in counted.items())
                self._tell(f"{what:<24} {numbers}")
            if self._copied.finish is not None and not row.changes:
                self._tell("nothing had to be changed")
            seconds = (row.finished_at - row.began_at).total_seconds()
            self._tell(f"done after {seconds:,.0f} s")


class _Progress:
    """Tells what is new, each line once, and gives a hint when nothing is new for long."""

    def __init__(self, tell: Tell, hint: str, clock: Callable[[], float] = time.monotonic):
        self._tell, self._hint, self._clock = tell, hint, clock
        self._told: set[str] = set()
        self._new_at = clock()

    def look(self, line: str) -> None:
        """A line as it is now."""
        if line not in self._told:
            self._told.add(line)
            self._new_at = self._clock()
            self._tell(line)
        elif self._clock() - self._new_at > HINT_AFTER_SECONDS:
            self._new_at = self._clock()
            self._tell(self._hint)


def _line(owner: str, what: str, done: int, total: int) -> str:
    return f"{owner:<14} {what:<14} {done:>10,} / {total:,}"


async def _ends(settings: ServiceSettings, topics: Collection[str]) -> dict[tuple[str, int], int]:
    """Where each partition that holds anything ends."""
    consumer = AIOKafkaConsumer(
        *topics,
        group_id=None,
        isolation_level="read_committed",
        **connection_arguments(settings),
    )
    await consumer.start()
    try:
        partitions = [
            TopicPartition(topic, number)
            for topic in topics
            for number in consumer.partitions_for_topic(topic) or ()
        ]
        beginnings = await consumer.beginning_offsets(partitions)
        ends = await consumer.end_offsets(partitions)
    finally:
        await consumer.stop()
    return {tuple(tp): ends[tp] for tp in partitions if ends[tp] > beginnings[tp]}
