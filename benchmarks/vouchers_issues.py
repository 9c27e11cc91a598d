"""Issues of vouchers beside their floors: many in one call, singly from one quota, as a job.

Compared are, in one process with one event loop each time and against one PostgreSQL:

- 500 in one call: the request from the application's edge to its answer, beside the rows that it
  wrote (coupons, movements, postings, records, outbox) by `COPY`, in one transaction on a
  connection that stands. The same tables, with their indexes and triggers.
- singly: 16 requests at a time, each from the edge to its answer, beside 16 tasks that begin a
  transaction, lock one bare row, take from it, insert one row of three columns and commit, each on
  a connection that stands. Read committed on both sides, and each commit waits for the disk.
- a job: `POST /api/coupon-issues` and the schedule's work until the job is done, beside the rate
  of 500 in one call.
"""

import resource
import statistics
from datetime import timedelta
from typing import Any
from uuid import uuid4

from tests.voucher.builders import ISSUE, NOW

from benchmarks.vouchers_rig import (
    BATCH,
    CLIENTS,
    FACE,
    NAMES,
    Rig,
    by_clients,
    shown,
    timed,
)
from benchmarks.wire import said
from chassis.business_clock import BusinessClock
from testkit.databases import Templates
from voucher.coupon_issues.run_issues import Issues

SINGLES = 640
BATCH_BAR, SINGLE_BAR, JOB_BAR = 0.4, 0.5, 0.8  # of the floor's rate
MEMORY_BAR = 1.1  # of the memory after a tenth of the job
# What one issue writes beside the quota's row.
WRITTEN = ("coupons", "movements", "postings", "coupon_records", "outbox")
Rows = dict[str, tuple[list[str], list[tuple[Any, ...]]]]


async def issue_of_many(templates: Templates, arguments: Any) -> bool:
    """500 coupons in one call, beside the same rows by COPY in one transaction."""
    ours, floor = [], []
    async with Rig(templates) as rig:
        for number in range(arguments.rounds + 1):  # the first one fills caches
            took = await _issue_many(rig)
            its = await timed(copied(rig, await written(rig)))
            if number:
                ours.append(BATCH / took)
                floor.append(BATCH / its)
    figure = f"issue of {BATCH} coupons in one call"
    return shown(figure, statistics.median(ours), statistics.median(floor), BATCH_BAR)


async def _issue_many(rig: Rig) -> float:
    body = {"quota_id": rig.quota, "customer_ids": NAMES, "face_value": FACE}
    return await timed(rig.call("POST", ISSUE, body).answer(rig.app))


async def written(rig: Rig) -> Rows:
    """Table → columns and rows of the last issue, under ids that nobody has."""
    mark = uuid4().hex[:8]
    found = {}
    async with rig.pool.acquire() as connection:
        for table in WRITTEN:
            columns = [
                row["column_name"]
                for row in await connection.fetch(
                    "SELECT column_name FROM information_schema.columns WHERE table_name = $1"
                    " AND is_identity = 'NO' AND is_generated = 'NEVER' AND coalesce("
                    "column_default, '') NOT LIKE 'nextval%' ORDER BY ordinal_position", table,
                )
            ]  # fmt: skip
            count = BATCH * (2 if table == "postings" else 1)
            rows = await connection.fetch(
                f"SELECT {', '.join(columns)} FROM {table} ORDER BY id DESC LIMIT {count}"
            )
            found[table] = columns, [_renamed(dict(row), table, mark) for row in rows]
    return found


def _renamed(row: dict[str, Any], table: str, mark: str) -> tuple[Any, ...]:
    if "event_id" in row:
        row["event_id"] = uuid4()
    names = {"coupons": ("id",), "movements": ("id",), "coupon_records": ("id",)}
    for name in (*names.get(table, ()), "movement_id" if table == "postings" else ""):
        if name:
            row[name] = f"{row[name]}{mark}"
    return tuple(row.values())


async def copied(rig: Rig, rows: Rows) -> None:
    """All of it, in one transaction."""
    async with rig.pool.acquire() as connection, connection.transaction():
        for table, (columns, records) in rows.items():
            await connection.copy_records_to_table(table, records=records, columns=columns)


async def issues_singly(templates: Templates, arguments: Any) -> bool:
    """16 clients on one quota, beside 16 that lock a bare row, take from it and insert a row."""
    ours, floor = [], []
    async with Rig(templates) as rig:
        async with rig.pool.acquire() as connection:
            await connection.execute(
                "CREATE TABLE bare (id int PRIMARY KEY, left_over numeric);"
                "CREATE TABLE taken (id text PRIMARY KEY, of int, amount numeric);"
                "INSERT INTO bare VALUES (1, 1000000)"
            )

        async def take(_: int) -> None:
            async with rig.pool.acquire() as connection, connection.transaction():
                await connection.fetchrow("SELECT left_over FROM bare WHERE id = 1 FOR UPDATE")
                await connection.execute(
                    "UPDATE bare SET left_over = left_over - 0.01 WHERE id = 1"
                )
                await connection.execute("INSERT INTO taken VALUES ($1, 1, 0.01)", uuid4().hex)

        async def issue(number: int) -> None:
            answer = await calls[number].answer(rig.app)
            assert answer["coupon_infos"], answer

        for number in range(arguments.rounds + 1):  # the first one opens connections
            calls = [_single(rig, name % BATCH) for name in range(SINGLES)]
            took = await timed(by_clients(issue, SINGLES))
            its = await timed(by_clients(take, SINGLES))
            if number:
                ours.append(SINGLES / took)
                floor.append(SINGLES / its)
    figure = f"{CLIENTS} clients issuing singly from one quota"
    return shown(figure, statistics.median(ours), statistics.median(floor), SINGLE_BAR)


def _single(rig: Rig, number: int) -> Any:
    body = {"quota_id": rig.quota, "customer_ids": [NAMES[number]], "face_value": FACE}
    return rig.call("POST", ISSUE, body)


async def issue_by_a_job(templates: Templates, arguments: Any) -> bool:
    """A job of 50,000 to its end, beside the rate of 500 in one call; and its memory."""
    async with Rig(templates) as rig:
        first = statistics.median([await _issue_many(rig) for _ in range(arguments.rounds + 1)])
        items = [
            {"customer_id": NAMES[number % BATCH], "face_value": FACE}
            for number in range(arguments.items)
        ]
        body = {"quota_id": rig.quota, "items": items}
        answer = await rig.call("POST", "/api/coupon-issues", body).answer(rig.app)
        rig.clock.now = NOW + timedelta(seconds=2)  # what was done before has been heard
        issues = Issues(rig.door.database, BusinessClock(rig.clock, None).now)
        issues.items_a_turn_max = max(BATCH, arguments.items // 10)  # to look at the memory
        took, memory = 0.0, []
        while (await _status(rig, answer["job_id"])) == "running":
            took += await timed(issues.run())
            memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    figure = f"a job of {arguments.items:,} issues beside issues of {BATCH} in one call"
    met = shown(figure, arguments.items / took, BATCH / first, JOB_BAR)
    grown = memory[-1] / memory[0]
    print(f"  memory {memory[-1] / 1024:,.0f} MB, after a tenth of it {memory[0] / 1024:,.0f} MB:"
          f" {grown:.2f}   bar {MEMORY_BAR}: {said(grown <= MEMORY_BAR)}")  # fmt: skip
    return met and grown <= MEMORY_BAR


async def _status(rig: Rig, job_id: str) -> str:
    job = await rig.call("GET", f"/api/coupon-issues/{job_id}", None).answer(rig.app)
    assert job["failed"] == 0, job
    return str(job["status"])
