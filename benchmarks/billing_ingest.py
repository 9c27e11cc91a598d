"""Usage charged by a file, beside COPY of the very rows that it leaves behind.

Tried in vain: events that are not validated (pydantic's `model_construct` takes five times as long
as its validation), no garbage collection, and amounts written by `str.format`.

Lines by COPY's text format and customers that are not mapped: 1,639 records/s beside 1,567 without,
two rounds of 40,000 of each side by side on two cores that others loaded, too. That is within what
such runs differ by.
"""

import gc
import hashlib
import io
import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
from sqlalchemy import update

from benchmarks.billing_rig import Place, compare, place
from billing.files.keep_pieces import Owner, append_pieces
from billing.files.sent import QUEUED
from billing.ingest.models import VALID, UsageFile
from billing.ingest.run_files import ROWS_AT_ONCE, UsageFiles
from billing.prices.catalogue import load_catalogue
from billing.settings import BillingSettings
from billing.usage.reserve_coupons import UsageCoupons
from chassis.ids import new_id
from chassis.sideways import Sideways
from testkit.databases import Templates

COPY_BAR, RECORDS_BAR = 0.3, 3_000  # of COPY's rate; records a second
CUSTOMERS = 50
NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
HEAD = (
    "record_id,customer_id,service_type_code,resource_type_code,resource_spec_code,region_code,"
    "resource_id,usage_value,usage_measure_id,measure_size,used_until\n"
)
DISK = "hws.service.type.ebs,hws.resource.type.volume,SATA,cn-north-4"


# The tables, and what tells their newest rows.
_LEFT = {"bill_lines": "known_at", "charged_records": "line_id", "outbox": "id"}


async def ingest_beside_copy(templates: Templates, arguments: Any) -> bool:
    """Records of disks of 50 customers who have money, in rounds that take turns with COPY."""
    count = arguments.records // arguments.rounds
    found: dict[str, list[float]] = {"ours": [], "floor": []}
    async with place(templates, "ingest") as here:
        owners = [customer for _, customer in await here.parties("ingest", 1, CUSTOMERS)]
        await here.top_up(owners, "90000000.00")
        await _charge(here, owners, "warm", ROWS_AT_ONCE)
        gc.collect()
        gc.freeze()  # as `chassis.cli.serve` does
        for number in range(arguments.rounds):
            seconds = await _charge(here, owners, f"timed{number}", count)
            found["ours"].append(count / seconds)
            found["floor"].append(count / await _copy(here, count))
        gc.unfreeze()
    records, floor = (statistics.median(found[which]) for which in ("ours", "floor"))
    met = compare(f"{count} records by a file, beside COPY", records, floor, COPY_BAR)
    print(f"  {records:,.0f} records/s, at least {RECORDS_BAR:,}")
    return met and records >= RECORDS_BAR


async def _charge(here: Place, owners: list[str], mark: str, count: int) -> float:
    """Seconds from the whole file to its last row on the bill."""
    content = "".join(_lines(owners, mark, count)).encode()
    file_id = new_id()
    async with here.database.transaction() as session:
        session.add(
            UsageFile(
                file_id=file_id, partner_id="*", file_name="u.csv", bytes=len(content),
                sha256=hashlib.sha256(content).hexdigest(), keep=VALID, parts_total=1,
                parts_received=[1], status=QUEUED, is_checked=False, rows_read=0, rows_charged=0,
                rows_known=0, rows_refused=0, tries=0, created_at=NOW, version=1,
            )
        )  # fmt: skip
        await append_pieces(session, Owner("*", None), f"usage/{file_id}", 0, io.BytesIO(content))

    async def now() -> datetime:
        return NOW

    begun = time.perf_counter()
    catalogue = load_catalogue()
    # Nobody has a coupon, so that voucher is never asked.
    sideways = Sideways(here.store.settings(BillingSettings))
    coupons = UsageCoupons(here.database, sideways, "", catalogue)
    await UsageFiles(here.database, catalogue, coupons, now).at_a_stop(here.database, NOW)
    seconds = time.perf_counter() - begun
    async with here.database.transaction() as session:
        done = await session.get_one(UsageFile, file_id)
        assert (done.status, done.rows_charged) == ("done", count), done.refused
        await session.execute(update(UsageFile).values(version=UsageFile.version))
    return seconds


def _lines(owners: list[str], mark: str, count: int) -> Iterator[str]:
    yield HEAD
    for number in range(count):
        owner = owners[number % len(owners)]
        yield f"{mark}-{number},{owner},{DISK},disk-{number % 997},{number % 3600 + 1},6,10,"
        yield "2026-11-23T02:00:00Z\n"


async def _copy(here: Place, count: int) -> float:
    """Seconds for the same rows in batches, a balance update for each customer and batch."""
    connection = await asyncpg.connect(here.store.url.replace("+asyncpg", ""))
    try:
        rows: dict[str, list[Any]] = {}
        for table, order in _LEFT.items():
            await connection.execute(f"DROP TABLE IF EXISTS floor_{table}")
            await connection.execute(
                f"CREATE TABLE floor_{table} (LIKE {table} INCLUDING DEFAULTS INCLUDING INDEXES)"
            )
            rows[table] = await connection.fetch(
                f"SELECT * FROM {table} ORDER BY {order} DESC LIMIT {count}"
            )
        begun = time.perf_counter()
        for at in range(0, count, ROWS_AT_ONCE):
            async with connection.transaction():
                for table, some in rows.items():
                    await connection.copy_records_to_table(
                        f"floor_{table}",
                        columns=list(some[0].keys()),
                        records=[tuple(row.values()) for row in some[at : at + ROWS_AT_ONCE]],
                    )
                await connection.execute(
                    "UPDATE accounts SET balance = balance - 1, version = version + 1"
                    " WHERE account_type = 1 AND owner_id LIKE 'ingest-customer-%'"
                )
        return time.perf_counter() - begun
    finally:
        await connection.close()
