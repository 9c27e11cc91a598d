"""What stands in the services' databases, as numbers that any write would change."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import asyncpg

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
    " + (SELECT count(*) FROM orders WHERE status = 3 AND provision_at < now() + '1 minute')",
    "customer-sync": "SELECT count(*) FROM pending_associations",
}
_UNSENT = "SELECT count(*) FROM outbox"
QUIET_SECONDS = 1.0
QUIET_SECONDS_MAX = 60.0

Counts = dict[str, int]


def quiet_counts(system: System, known: Counts | None = None) -> Counts:
    """The counts once they no longer move by themselves; at once when they are as last known."""
    deadline = time.monotonic() + QUIET_SECONDS_MAX
    before, _ = _look(system)
    if before == known:
        return before
    while True:
        time.sleep(QUIET_SECONDS)
        after, under_way = _look(system)
        if after == before and not under_way:
            return after
        assert time.monotonic() < deadline, f"the system does not come to rest: {under_way}"
        before = after


def _look(system: System) -> tuple[Counts, Counts]:
    """Rows of every table, and how many events were ever stated, of all services but the gateway.

    The gateway keeps used signatures and projections of its own. Beside them, what is under way.
    """
    with ThreadPoolExecutor(1) as one_thread:
        return one_thread.submit(asyncio.run, _counts(system)).result()


async def _counts(system: System) -> tuple[Counts, Counts]:
    found: Counts = {}
    under_way: Counts = {}
    for service, database in system.databases.items():
        if service != "gateway":
            connection = await asyncpg.connect(f"{database.server_url}/{database.name}")
            try:
                found |= await _of_one(connection, service)
                for waiting in (_UNSENT, _UNDER_WAY.get(service, "SELECT 0")):
                    if number := await connection.fetchval(waiting):
                        under_way[f"{service}: {waiting}"] = number
            finally:
                await connection.close()
    return found, under_way


async def _of_one(connection: asyncpg.Connection, service: str) -> Counts:
    names = [
        row["tablename"]
        for row in await connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            " AND tablename <> ALL($1::text[])",
            list(_MACHINERY),
        )
    ]
    each = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM \"{name}\"" for name in names)
    found = {f"{service}.{name}": number for name, number in await connection.fetch(each)}
    stated = "SELECT coalesce(pg_sequence_last_value('outbox_id_seq'), 0)"
    return {**found, f"{service} stated": await connection.fetchval(stated)}
