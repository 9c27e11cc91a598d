"""What stands in the services' databases, as numbers that any write would change."""

import time

from aiokafka import AIOKafkaConsumer, TopicPartition

from testkit.servers import blocking
from testkit.system import System

# Written by the machinery whatever is asked: leases, positions, the relay's own book, and the
# merging of tallies, which are made by triggers of tables that are counted.
_MACHINERY = (
    "alembic_version", "relay_slots", "relay_replicas", "consumer_positions", "inbox", "outbox",
    "schedule_leases", "leases", "upstream_slots", "tallies", "tally_changes",
)  # fmt: skip
# What will still write by itself, seconds later: facts not sent yet, orders being provisioned.
_UNDER_WAY = {
    "order": "SELECT (SELECT count(*) FROM payment_attempts WHERE state = 'open')"
    " + (SELECT count(*) FROM orders WHERE status = 3 AND provision_at < now() + '1 minute')"
    " + (SELECT count(*) FROM order_jobs WHERE status = 'running')",
    "voucher": "SELECT (SELECT count(*) FROM coupon_issues WHERE status = 'running')"
    " + (SELECT count(*) FROM recall_campaigns WHERE status = 'running')",
    "billing": "SELECT count(*) FROM settlements"
    " WHERE state IN ('requested', 'reading', 'matching', 'totalling')",
    "customer-sync": "SELECT count(*) FROM pending_associations",
}
_UNSENT = "SELECT count(*) FROM outbox"
QUIET_SECONDS = 1.0
QUIET_SECONDS_MAX = 60.0

Counts = dict[str, int]
Ends = dict[tuple[str, int], int]  # topic and partition, and where the next event will stand


def quiet_counts(system: System, known: Counts | None = None) -> Counts:
    """The counts once they no longer move by themselves; at once when they are as last known."""
    if known and _counts(system) == known:
        return known
    deadline = time.monotonic() + QUIET_SECONDS_MAX
    before, _ = _look(system)
    while True:
        time.sleep(QUIET_SECONDS)
        after, under_way = _look(system)
        if after == before and not under_way:
            return after
        assert time.monotonic() < deadline, f"the system does not come to rest: {under_way}"
        before = after


def _look(system: System) -> tuple[Counts, Counts]:
    """The counts, and beside them what is under way."""
    ends = blocking(_ends(system))
    under_way = _under_way(system, ends)
    return _counts(system), under_way


def _counted(system: System) -> list[str]:
    """All services but the gateway, which keeps used signatures and projections of its own."""
    return [service for service in system.databases if service != "gateway"]


def _counts(system: System) -> Counts:
    """Rows of every table, and how many events were ever stated."""
    found: Counts = {}
    for service in _counted(system):
        found |= _of_one(system, service)
    return found


def _under_way(system: System, ends: Ends) -> Counts:
    found: Counts = {}
    for service in _counted(system):
        for waiting in (_UNSENT, _UNDER_WAY.get(service, "SELECT 0")):
            ((number,),) = system.rows(service, waiting)
            if number:
                found[f"{service}: {waiting}"] = number
        if number := _not_heard(system, service, ends):
            found[f"{service}: events not heard"] = number
    return found


async def _ends(system: System) -> Ends:
    """Read before the counts: what is sent meanwhile was in an outbox, or moves the counts."""
    async with AIOKafkaConsumer(bootstrap_servers=system.kafka.bootstrap) as consumer:
        places = [
            TopicPartition(topic, partition)
            for topic in system.topics
            for partition in range(system.partitions)
        ]
        found = await consumer.end_offsets(places)
    return {(place.topic, place.partition): end for place, end in found.items()}


def _not_heard(system: System, service: str, ends: Ends) -> int:
    """How many events are sent and not handled yet by the consumers of one service."""
    rows = system.rows(
        service, "SELECT consumer, topic, partition, position FROM consumer_positions"
    )
    positions = {(row["consumer"], row["topic"], row["partition"]): row["position"] for row in rows}
    heard = {(consumer, topic) for consumer, topic, _ in positions}
    behind = 0
    for consumer, topic in heard:
        for (name, partition), end in ends.items():
            if name.endswith(topic):
                behind += max(end - positions.get((consumer, topic, partition), 0), 0)
    return behind


def _of_one(system: System, service: str) -> Counts:
    tables = system.rows(
        service,
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        " AND tablename <> ALL($1::text[])",
        list(_MACHINERY),
    )
    each = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM \"{name}\"" for (name,) in tables)
    found = {f"{service}.{name}": number for name, number in system.rows(service, each)}
    stated = "SELECT coalesce(pg_sequence_last_value('outbox_id_seq'), 0)"
    ((found[f"{service} stated"],),) = system.rows(service, stated)
    return found
