"""Exports beside `COPY … TO STDOUT | gzip`, and reconciliations beside one full join."""

import argparse
import asyncio
import resource
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import Any

import asyncpg
from sqlalchemy import text
from tests.billing.builders import NOW, PARTNER, customer, partner_joined

from benchmarks.billing_rig import Place, compare, place
from billing.copies import Partner
from billing.exports.make_exports import Exports
from billing.exports.models import CUSTOMERS_PAY, Export
from billing.exports.request_export import queue_export
from billing.files.vendor_columns import vendor_columns
from billing.lines.cycle_parts import make_cycle_parts
from billing.reconciliation.models import COMPARING, Reconciliation
from billing.reconciliation.write_differences import write_differences
from billing.settings import BillingSettings
from chassis.database import Database
from testkit.databases import ServiceDatabase, Templates

CYCLE, OTHER_CYCLE = "2026-11", "2026-10"
EXPORT_BAR = 0.5  # of the floor's lines a second
JOIN_BAR = 0.3
MORE_MEMORY_MAX = 64  # MB above the small size
SMALL = 100_000
DIFFERENT_EVERY = 1000
KNOWN = datetime(2026, 11, 3, tzinfo=UTC)
_LINES = """
    INSERT INTO bill_lines (line_id, customer_id, partner_id, association_type, site, currency,
        bill_cycle, bill_date, bill_type, charging_mode, trade_id, resource_id, resource_name,
        service_type_code, service_type_name, resource_type_code, resource_type_name,
        resource_spec_code, product_id, region_code, trade_time, consume_time, used_from,
        usage_type, usage_amount, usage_measure_id, official_amount, official_discount_amount,
        erase_amount, payment_amount, coupon_amount, flexipurchase_coupon_amount,
        stored_value_card_amount, bonus_amount, cash_amount, credit_amount, debt_amount,
        writeoff_amount, known_at)
    SELECT md5($2 || n::text), 'customer-' || n % 2000, $1, '2', 'china', 'CNY', $2,
        ($2 || '-03')::date, 5, 3, md5('trade' || n::text), md5('resource' || (n % 5000)::text),
        'web-' || n % 5000, 'hws.service.type.ec2', '弹性云服务器', 'hws.resource.type.vm',
        '云主机', 's6.small.1.linux', 'OFFI-ECS-S6SMALL-L', 'cn-north-4',
        ($2 || '-03')::timestamptz + n * interval '1 second',
        ($2 || '-03')::timestamptz + n * interval '1 second',
        ($2 || '-03')::timestamptz + n * interval '1 second' - interval '1 hour', 'Duration', 1, 4,
        n % 97 + 0.04599822, 0, 0.00599822, n % 97 + 0.04, 0, 0, 0, 0, n % 97 + 0.04, 0, 0, 0, $3
    FROM generate_series(1, $4) AS n
"""


async def exports_beside_copy(templates: Templates, arguments: Any) -> bool:
    """Lines a second into the vendor's archive, and the memory that a process takes for it."""
    async with place(templates, "exports") as here:
        connection = await _filled(here, arguments.lines)
        found: dict[str, list[float]] = {"ours": [], "floor": []}
        for _ in range(arguments.rounds):
            found["floor"].append(arguments.lines / await _copy_and_gzip(connection))
            found["ours"].append(arguments.lines / await _export(here.database, CYCLE))
        large, small = (_memory(here.store, one) for one in (CYCLE, OTHER_CYCLE))
        await connection.close()
    ours, floor = (statistics.median(found[which]) for which in ("ours", "floor"))
    fast = compare("lines into the vendor's archive", ours, floor, EXPORT_BAR)
    slim = large - small <= MORE_MEMORY_MAX
    print(f"  memory {small:.0f} MB for {SMALL:,} lines, {large:.0f} MB for {arguments.lines:,}"
          f"   bar +{MORE_MEMORY_MAX} MB: {'met' if slim else 'MISSED'}", flush=True)  # fmt: skip
    return fast and slim


async def reconciliation_beside_a_join(templates: Templates, arguments: Any) -> bool:
    """Comparing a vendor's bill that is loaded, beside one full join of the two tables."""
    async with place(templates, "reconciliation") as here:
        connection = await _filled(here, arguments.lines)
        await connection.execute(_ROWS, "r", PARTNER, CYCLE)
        await connection.execute("ANALYZE vendor_rows")
        found: dict[str, list[float]] = {"ours": [], "floor": []}
        for _ in range(arguments.rounds):
            began = time.monotonic()
            await connection.fetchval(_JOIN, "r", PARTNER, CYCLE, timeout=900)
            found["floor"].append(arguments.lines / (time.monotonic() - began))
            began = time.monotonic()
            differences = await _compare(here.database)
            found["ours"].append(arguments.lines / (time.monotonic() - began))
        await connection.close()
    ours, floor = (statistics.median(found[which]) for which in ("ours", "floor"))
    expected = arguments.lines // DIFFERENT_EVERY
    print(f"\n{differences:,} differences found of {expected:,} that there are", flush=True)
    met = compare("rows compared with lines", ours, floor, JOIN_BAR)
    return met and differences == expected


_ROWS = f"""
    INSERT INTO vendor_rows
    SELECT $1, row_number() OVER (), partner_id, NULL, 'a.csv', 1, customer_id, trade_id,
        product_id, date_trunc('second', trade_time), region_code, '1', currency, official_amount,
        official_discount_amount,
        payment_amount + CASE WHEN cash_amount > 0 AND row_number() OVER () % {DIFFERENT_EVERY} = 0
                              THEN 0.01 ELSE 0 END,
        '{{"customer_id": "", "trade_id": "", "product_id": "", "trade_time": "",
           "official_amount": "", "official_discount_amount": "", "payment_amount": ""}}', '{{}}'
    FROM bill_lines WHERE partner_id = $2 AND bill_cycle = $3
"""
_JOIN = """
    SELECT count(*) FROM (SELECT * FROM vendor_rows WHERE reconciliation_id = $1) AS v
    FULL JOIN (SELECT * FROM bill_lines WHERE partner_id = $2 AND bill_cycle = $3) AS l
        ON l.customer_id = v.customer_id AND l.trade_id = v.trade_id
       AND l.product_id = v.product_id AND date_trunc('second', l.trade_time) = v.trade_time
    WHERE v.payment IS DISTINCT FROM l.payment_amount
       OR v.official IS DISTINCT FROM l.official_amount
"""


async def _filled(here: Place, lines: int) -> asyncpg.Connection:
    await here.hear([partner_joined(), customer()])
    await make_cycle_parts(here.database, NOW)
    connection = await here.connect()
    await connection.execute("SET timezone = 'UTC'")
    for cycle, count in ((CYCLE, lines), (OTHER_CYCLE, SMALL)):
        await connection.execute(_LINES, PARTNER, cycle, KNOWN, count, timeout=1800)
    await connection.execute("ANALYZE bill_lines")
    return connection


async def _copy_and_gzip(connection: asyncpg.Connection) -> float:
    """Seconds for the same columns as they are stored."""
    columns = ", ".join(one.field for one in vendor_columns())
    gzip = await asyncio.create_subprocess_exec(
        "gzip", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL
    )
    pipe = gzip.stdin
    assert pipe is not None

    async def write(data: bytes) -> None:
        pipe.write(data)
        await pipe.drain()

    began = time.monotonic()
    await connection.copy_from_query(
        f"SELECT {columns} FROM bill_lines WHERE partner_id = $1 AND bill_cycle = $2",
        PARTNER, CYCLE, output=write, format="csv", header=True, timeout=900,
    )  # fmt: skip
    pipe.close()
    await gzip.wait()
    return time.monotonic() - began


async def _export(database: Database, cycle: str) -> float:
    """Seconds from the request to the file's digest."""

    async def now() -> datetime:
        return NOW

    async with database.transaction() as session:
        partner = await session.get_one(Partner, PARTNER)
        export = await queue_export(session, partner, cycle, "csv", CUSTOMERS_PAY, "zh", NOW)
    began = time.monotonic()
    await Exports(database, now).at_a_stop(database, NOW)
    seconds = time.monotonic() - began
    async with database.transaction() as session:
        found = await session.get_one(Export, export.export_id)
    assert found.status == "ready", found.status
    return seconds


async def _compare(database: Database) -> int:
    found = Reconciliation(
        reconciliation_id="r", partner_id=PARTNER, currency="CNY", cycle=CYCLE, file_name="f",
        bytes=1, sha256="", parts_total=1, parts_received=[1], status=COMPARING, rows_read=0,
        totals={}, tries=0, created_at=NOW, version=1,
    )  # fmt: skip
    async with database.transaction() as session:
        await session.merge(found)
        await session.flush()
        await session.execute(text("SET LOCAL work_mem = '128MB'"))
        await session.execute(text("SET LOCAL statement_timeout = '900s'"))
        _, _, differences = await write_differences(session, found)
    return differences


def _memory(store: ServiceDatabase, cycle: str) -> float:
    """The most megabytes that a process of its own takes to export the cycle."""
    command = [sys.executable, "-m", "benchmarks.billing_files", store.server_url, store.prefix]
    done = subprocess.run([*command, cycle], capture_output=True, text=True, check=True)
    return float(done.stdout.splitlines()[-1])


def main() -> None:
    """One export in this process; prints the most megabytes that it took."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    for name in ("server_url", "prefix", "cycle"):
        parser.add_argument(name)
    given = parser.parse_args()
    store = ServiceDatabase("billing", given.server_url, given.prefix)

    async def run() -> None:
        database = Database(store.settings(BillingSettings), "billing")
        await _export(database, given.cycle)
        await database.close()

    asyncio.run(run())
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    main()
