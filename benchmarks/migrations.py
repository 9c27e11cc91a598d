"""Migrations of a large table beside those who write it: `make bench-migrations`.

The database of a release is filled to a million rows and brought up to date, while writers go on at
a steady pace. Printed are their rate beside the one of before, and the longest that one waited.
"""

import argparse
import asyncio
import random
import sys
import time
from dataclasses import dataclass
from typing import Any

import asyncpg
from tests.history.make_dumps import HERE

from chassis.roles import REQUEST_ROLE_MADE
from testkit.databases import ServiceDatabase, unique_prefix
from testkit.servers import PostgresServer

TABLES = {
    "customer_sync": ("customers", "id"),
    "order": ("orders", "order_id"),
    "voucher": ("coupons", "id"),
}
WRITERS = 4
PACE_SECONDS = 0.02  # of each writer: 200 a second together
BEFORE_SECONDS = 10.0
_COLUMNS = """
    SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
        bool_or(coalesce(i.indisunique, false)) AS is_unique
    FROM pg_attribute a
    LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND a.attnum = ANY (i.indkey)
    WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped
        AND a.attgenerated = ''
    GROUP BY 1, 2 ORDER BY 1
"""


@dataclass
class Written:
    """What the writers did."""

    count: int = 0
    longest: float = 0.0


async def fill(url: str, table: str, rows: int) -> None:
    """As many rows as wanted, of the first one's likeness."""
    connection = await asyncpg.connect(url)
    try:
        columns = await connection.fetch(_COLUMNS, table)
        names = ", ".join(f'"{one["name"]}"' for one in columns)
        likened = ", ".join(map(_likened, columns))
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(
            f"INSERT INTO {table} ({names}) SELECT {likened}"
            f" FROM (SELECT * FROM {table} LIMIT 1) AS first, generate_series(1, {rows}) AS n",
            timeout=1200,
        )
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


def _likened(column: Any) -> str:
    name, is_text = f'first."{column["name"]}"', column["type"].startswith(("text", "character"))
    return "'n' || n" if column["is_unique"] and is_text else name


async def write(url: str, table: str, key: str, rows: int, written: Written) -> None:
    """At its pace until cancelled; a wait makes up for nothing."""
    connection = await asyncpg.connect(url)
    change = f"UPDATE {table} SET {key} = {key} WHERE {key} = $1"
    try:
        while True:
            began = time.monotonic()
            await connection.execute(change, f"n{random.randint(1, rows)}", timeout=120)
            took = time.monotonic() - began
            written.count += 1
            written.longest = max(written.longest, took)
            await asyncio.sleep(max(PACE_SECONDS - took, 0))
    finally:
        connection.terminate()


async def measured(server: PostgresServer, service: str, rows: int) -> None:
    """One service."""
    table, key = TABLES[service]
    old = ServiceDatabase(service, server.url, unique_prefix())
    server.create_database(old.name)
    connection = await asyncpg.connect(old.url)
    (dump,) = await asyncio.to_thread(lambda: list(HERE.glob(f"{service}-*.sql")))
    await connection.execute(await asyncio.to_thread(dump.read_text, "utf-8"))
    await connection.close()
    await fill(old.url, table, rows)
    written = Written()
    writers = [
        asyncio.create_task(write(old.url, table, key, rows, written)) for _ in range(WRITERS)
    ]
    await asyncio.sleep(2)
    before, began = written.count, time.monotonic()
    await asyncio.sleep(BEFORE_SECONDS)
    rate_before = (written.count - before) / (time.monotonic() - began)
    for one in writers:
        if one.done():
            one.result()  # raises what ended it
    longest_before, written.longest = written.longest, 0.0
    before, began = written.count, time.monotonic()
    migrating = await asyncio.create_subprocess_exec(
        sys.executable, "-c",
        "import sys; from chassis.migrations import migrate; migrate(*sys.argv[1:])",
        service, old.url, stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    status = await migrating.wait()
    took = time.monotonic() - began
    rate = (written.count - before) / took
    await asyncio.sleep(0.1)
    for one in writers:
        one.cancel()
    ended = await asyncio.gather(*writers, return_exceptions=True)
    failed = [one for one in ended if not isinstance(one, asyncio.CancelledError)]
    print(
        f"{service}: {rows} rows of {table} migrated in {took:.1f} s (status {status}); writers"
        f" {rate:.0f}/s beside {rate_before:.0f}/s before: {rate / rate_before:.2f}; longest wait"
        f" {written.longest * 1000:.0f} ms beside {longest_before * 1000:.0f} ms; failed: {failed}",
        flush=True,
    )
    server.drop_database(old.name)


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("services", nargs="*", help="of " + ", ".join(TABLES))
    parser.add_argument("--rows", type=int, default=1_000_000)
    told = parser.parse_args()
    server = PostgresServer.for_session()
    try:
        server.execute(REQUEST_ROLE_MADE)  # what no dump has
        for service in told.services or TABLES:
            asyncio.run(measured(server, service, told.rows))
    finally:
        server.close()


if __name__ == "__main__":
    main()
