"""After a restore: what Kafka holds that the restored databases do not know (decision 0154).

All databases of a deployment lie in one PostgreSQL cluster, so that one recovery target is one
instant for all. Whoever states a fact commits it before anybody can hear it; so no consumer can
have acted on a fact that its owner does not know, unless they were restored to different instants.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from chassis.connecting import Connector
from chassis.kafka import connection_arguments
from chassis.positions import alarm_of
from chassis.settings import ServiceSettings
from chassis.transactions import TRANSACTION_HEADER, Transaction

OWNERS = {
    "customer": "customer_sync",
    "order": "order",
    "voucher": "voucher",
    "billing": "billing",
    "partner": "partner",
}  # by stream
SERVICES = (*OWNERS.values(), "gateway")
# Events of one moment are sent in the order of their keys: some way back to be sure.
LOOK_BACK = timedelta(hours=1)
FETCH_SECONDS = 5.0
COMMAND_SECONDS_MAX = 120
ASKED_AT_ONCE = 10_000

_POSITIONS = "SELECT consumer, topic, partition, position, last_event FROM consumer_positions"
_NEXT = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
_SERVER = "SELECT system_identifier FROM pg_control_system()"
_SESSIONS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
        AND backend_type = 'client backend'
"""
# The newest sign that the database was alive.
_LAST = """
    SELECT greatest((SELECT max(moved_at) FROM consumer_positions),
                    (SELECT max(received_at) FROM inbox),
                    (SELECT max(stated_at) FROM outbox),
                    (SELECT max(seen_at) FROM relay_replicas),
                    (SELECT at FROM audit_log ORDER BY id DESC LIMIT 1))
"""
_COMMITTED = """
    SELECT number::text::bigint FROM unnest($1::text[]) AS number
    WHERE coalesce(pg_xact_status(number::xid8), 'committed') <> 'committed'
"""


class NotRestoredError(Exception):
    """The question cannot be answered; the text says why and what to do."""


@dataclass(frozen=True)
class Found:
    """An event of Kafka, by its place."""

    stream: str
    partition: int
    offset: int
    event_id: str
    event_type: str
    subject: str
    partner_id: str
    time: str
    transaction: Transaction | None


@dataclass
class Hearer:
    """A consumer in one of the databases, with its positions in a stream."""

    service: str
    consumer: str
    stream: str
    positions: dict[int, tuple[int, str | None]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """`service/consumer`."""
        return f"{self.service}/{self.consumer}"


@dataclass
class LostFact:
    """A fact that consumers can hear and that its owner does not know any more."""

    event_id: str
    event_type: str
    subject: str
    partner_id: str
    stream: str
    partition: int
    offset: int
    time: str
    # Consumers as `service/consumer`: that will hear it, that have, that were told to pass it over.
    waits_for: list[str] = field(default_factory=list)
    acted_on_by: list[str] = field(default_factory=list)
    left_out_by: list[str] = field(default_factory=list)


@dataclass
class Boundary:
    """Where the restored databases ended, as seen before anything was started on them."""

    next_transactions: dict[str, int]
    ends: dict[str, dict[int, int]]  # by stream, then partition


@dataclass
class Findings:
    """What was seen; `is_well` when nothing is to be decided."""

    boundary: Boundary
    lost: list[LostFact] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)  # positions that do not fit their topics
    sent_again: dict[str, int] = field(default_factory=dict)  # outbox rows that Kafka has
    read: dict[str, int] = field(default_factory=dict)  # events looked at, by stream
    undated: dict[str, int] = field(default_factory=dict)  # events that carry no transaction

    @property
    def ahead(self) -> list[LostFact]:
        """Facts on which somebody acted: the databases are of different instants."""
        return [fact for fact in self.lost if fact.acted_on_by]

    @property
    def undecided(self) -> list[LostFact]:
        """Lost facts that somebody would still act on."""
        return [fact for fact in self.lost if fact.waits_for]

    @property
    def is_well(self) -> bool:
        """Whether the services may be started."""
        return not (self.undecided or self.ahead or self.alarms)

    def as_json(self) -> dict[str, Any]:
        """For the kept file and for scripts."""
        return asdict(self)


async def look(settings: ServiceSettings, boundary: Boundary | None = None) -> Findings:
    """Hold the databases against Kafka.

    Without a boundary this is the first look, and nothing else may use the databases: new
    transactions would get the numbers of the lost ones.

    Raises:
        NotRestoredError: somebody uses a database, one is missing, or they were loaded from dumps.

    """
    async with _databases(settings) as databases, _log(settings) as log:
        if boundary is None:
            await _refuse_users(databases)
        ends = boundary.ends if boundary else await log.ends()
        found = boundary or Boundary(
            {name: await one.fetchval(_NEXT) for name, one in databases.items()}, ends
        )
        findings = Findings(found)
        hearers = await _hearers(settings, databases)
        for stream, owner in OWNERS.items():
            listening = [one for one in hearers if one.stream == stream]
            starts = await _starts(log, databases[owner], stream, listening)
            findings.alarms += await _alarms(log, stream, listening)
            events = [one async for one in _read(log, stream, starts, ends[stream])]
            findings.read[stream] = len(events)
            await _judge(findings, owner, databases, events, listening)
            findings.sent_again[stream] = await _sent_again(databases[owner], events)
        return findings


@asynccontextmanager
async def _databases(settings: ServiceSettings) -> AsyncIterator[dict[str, asyncpg.Connection]]:
    opened: dict[str, asyncpg.Connection] = {}
    try:
        for service in SERVICES:
            connector = Connector(settings.database_of(service), {})
            opened[service] = await connector.connect(command_timeout=COMMAND_SECONDS_MAX)
        yield opened
    finally:
        await asyncio.gather(*(one.close() for one in opened.values()))


async def _refuse_users(databases: dict[str, asyncpg.Connection]) -> None:
    users = {name: await one.fetchval(_SESSIONS) for name, one in databases.items()}
    if busy := sorted(name for name, count in users.items() if count):
        raise NotRestoredError(
            f"Stop what uses the databases of {', '.join(busy)} first: after a restore nothing may"
            " write before the first check."
        )
    if await databases["gateway"].fetchval("SHOW autovacuum") == "on":
        raise NotRestoredError(
            "autovacuum is on: it takes numbers of transactions by which lost facts are told."
            " Restore once more, with autovacuum = off until the first check is done."
        )


async def _hearers(
    settings: ServiceSettings, databases: dict[str, asyncpg.Connection]
) -> list[Hearer]:
    found: dict[tuple[str, str, str], Hearer] = {}
    for service, database in databases.items():
        for consumer, topic, partition, position, last in await database.fetch(_POSITIONS):
            stream = topic.removeprefix(settings.topic_prefix)
            if stream in OWNERS:
                key = (service, consumer, stream)
                hearer = found.setdefault(key, Hearer(*key))
                hearer.positions[partition] = (position, last)
    return list(found.values())


class Log:
    """Kafka's side: the topics of this deployment, and who reads them."""

    def __init__(self, reader: AIOKafkaConsumer, targets: dict[str, list[TopicPartition]]):
        self.reader = reader
        self.targets = targets  # by stream

    async def ends(self) -> dict[str, dict[int, int]]:
        """By stream, then partition."""
        found = {}
        for stream, targets in self.targets.items():
            ends = await self.reader.end_offsets(targets)
            found[stream] = {target.partition: end for target, end in ends.items()}
        return found


@asynccontextmanager
async def _log(settings: ServiceSettings) -> AsyncIterator[Log]:
    targets = await _partitions(settings)
    reader = AIOKafkaConsumer(
        **connection_arguments(settings), enable_auto_commit=False, isolation_level="read_committed"
    )
    await reader.start()
    try:
        reader.assign([target for of_stream in targets.values() for target in of_stream])
        yield Log(reader, targets)
    finally:
        await reader.stop()


async def _partitions(settings: ServiceSettings) -> dict[str, list[TopicPartition]]:
    admin = AIOKafkaAdminClient(**connection_arguments(settings))
    await admin.start()
    try:
        topics = [settings.topic_prefix + stream for stream in OWNERS]
        if missing := set(topics) - set(await admin.list_topics()):
            raise NotRestoredError(f"Kafka has no topic {min(missing)}: is it the right one?")
        described = await admin.describe_topics(topics)
    finally:
        await admin.close()
    return {
        one["topic"].removeprefix(settings.topic_prefix): [
            TopicPartition(one["topic"], part["partition"]) for part in one["partitions"]
        ]
        for one in described
    }


async def _starts(
    log: Log, owner: asyncpg.Connection, stream: str, listening: Sequence[Hearer]
) -> dict[int, int]:
    """Before all that a consumer has not heard, and before what the owner stated last."""
    reader, targets = log.reader, log.targets[stream]
    beginnings = await reader.beginning_offsets(targets)
    last: datetime | None = await owner.fetchval(_LAST)
    since = int((last - LOOK_BACK).timestamp() * 1000) if last else 0
    by_time = await reader.offsets_for_times(dict.fromkeys(targets, since))
    starts = {}
    for target in targets:
        heard = [one.positions[target.partition][0] for one in listening
                 if target.partition in one.positions]  # fmt: skip
        timed = by_time[target].offset if by_time[target] else None
        candidates = [*heard, *([timed] if timed is not None else [])]
        starts[target.partition] = max(beginnings[target], min(candidates, default=0))
    return starts


async def _alarms(log: Log, stream: str, listening: Sequence[Hearer]) -> list[str]:
    reader, targets = log.reader, log.targets[stream]
    beginnings, ends = await reader.beginning_offsets(targets), await reader.end_offsets(targets)
    alarms = []
    for hearer in listening:
        for target in targets:
            position, _ = hearer.positions.get(target.partition, (beginnings[target], None))
            if alarm := alarm_of(position, beginnings[target], ends[target]):
                where = f"{hearer.service}: {hearer.consumer} in {stream} {target.partition}"
                alarms.append(f"{where}: {alarm}")
    return alarms


async def _read(
    log: Log, stream: str, starts: dict[int, int], ends: dict[int, int]
) -> AsyncIterator[Found]:
    reader = log.reader
    targets = [one for one in log.targets[stream] if starts[one.partition] < ends[one.partition]]
    reader.assign(targets)
    for target in targets:
        reader.seek(target, starts[target.partition])
    left = {target.partition for target in targets}
    while left:
        batches = await reader.getmany(timeout_ms=int(FETCH_SECONDS * 1000), max_records=5000)
        for target, records in batches.items():
            for record in records:
                if record.offset < ends[target.partition]:
                    yield _found(stream, record)
        for target in targets:
            if await reader.position(target) >= ends[target.partition]:
                left.discard(target.partition)


def _found(stream: str, record: Any) -> Found:
    headers = {name: (value or b"").decode("utf-8", "replace") for name, value in record.headers}
    return Found(
        stream, record.partition, record.offset, headers.get("ce_id", ""),
        headers.get("ce_type", ""), headers.get("ce_subject", ""), headers.get("ce_partnerid", ""),
        headers.get("ce_time", ""), Transaction.read(headers.get(TRANSACTION_HEADER)),
    )  # fmt: skip


async def _judge(
    findings: Findings,
    owner: str,
    databases: dict[str, asyncpg.Connection],
    events: Sequence[Found],
    listening: Sequence[Hearer],
) -> None:
    server = await databases[owner].fetchval(_SERVER)
    dated = [one for one in events if one.transaction]
    findings.undated[owner] = len(events) - len(dated)
    if others := {one.transaction.server for one in dated if one.transaction} - {server}:
        raise NotRestoredError(
            f"The facts of {owner} were stated on another server ({min(others)}; this is {server}):"
            " its database was loaded from a dump, which does not say what it has lost. Restore"
            " all databases from one physical backup."
        )
    unknown = await _unknown(databases[owner], findings.boundary.next_transactions[owner], dated)
    lost = [one for one in dated if one.transaction and one.transaction.number in unknown]
    passed_over = await _inbox(databases, lost)
    for event in lost:
        fact = LostFact(
            event.event_id, event.event_type, event.subject, event.partner_id, event.stream,
            event.partition, event.offset, event.time,
        )  # fmt: skip
        for hearer in listening:
            position, _ = hearer.positions.get(event.partition, (0, None))
            heard = (hearer.service, hearer.consumer, event.event_id) in passed_over
            if event.offset < position:
                fact.acted_on_by.append(hearer.name)
            elif heard:
                fact.left_out_by.append(hearer.name)
            else:
                fact.waits_for.append(hearer.name)
        findings.lost.append(fact)


async def _unknown(
    owner: asyncpg.Connection, next_number: int, events: Sequence[Found]
) -> set[int]:
    """The transactions that this database never committed, among those of the events."""
    numbers = {one.transaction.number for one in events if one.transaction}
    unknown = {number for number in numbers if number >= next_number}
    past = sorted(numbers - unknown)
    for first in range(0, len(past), ASKED_AT_ONCE):
        asked = [str(number) for number in past[first : first + ASKED_AT_ONCE]]
        unknown |= {row[0] for row in await owner.fetch(_COMMITTED, asked)}
    return unknown


async def _inbox(
    databases: dict[str, asyncpg.Connection], lost: Sequence[Found]
) -> set[tuple[str, str, str]]:
    """Which of the facts each consumer has in its inbox."""
    ids = [one.event_id for one in lost]
    return {
        (service, consumer, str(event_id))
        for service, database in databases.items()
        for consumer, event_id in await database.fetch(
            "SELECT consumer, event_id FROM inbox WHERE event_id = ANY($1::uuid[])", ids
        )
    }


async def _sent_again(owner: asyncpg.Connection, events: Sequence[Found]) -> int:
    """Rows of the outbox that Kafka has already: the inboxes know them by their ids."""
    ids = [one.event_id for one in events if one.event_id]
    counted: int = await owner.fetchval(
        "SELECT count(*) FROM outbox WHERE event_id::text = ANY($1::text[])", ids
    )
    return counted
