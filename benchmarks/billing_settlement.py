"""A partner's month, settled: beside one pass that reads and writes the same without any rule.

The floor reads the same columns in the same order by the same cursor, and writes the same columns
into the same table by COPY, in the same portions, each committed. Both run in this process on one
connection for reading and one for writing; PostgreSQL has the other core. The service's own process
is not measured: what it adds is a schedule's turn.
"""

import asyncio
import os
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from billing.prices.catalogue import load_catalogue
from billing.settings import BillingSettings
from billing.settlement.lines import LineReader, rows_of, write_lines
from billing.settlement.match_lines import MatchedRow
from billing.settlement.match_month import PORTION_LINES
from billing.settlement.models import Settlement
from billing.settlement.run_settlements import Settlements
from billing.settlement.settlement_prices import Price, load_settlement_prices
from chassis.database import Database
from matching import Matched
from testkit.databases import ServiceDatabase, Templates

BAR_OF_FLOOR = 0.4
BAR_SECONDS, BAR_MEMORY_MB = 600, 1024
BAR_PER_LINE = 1.2
VOUCHERS = 2_000
CYCLE, NOW = "2026-10", datetime(2026, 11, 6, tzinfo=UTC)
NOTHING = Price("normal", Decimal("1.0000"))

# A line in fifty refunds the line of the second before, each hundredth of those in a case.
_LINES = """
INSERT INTO bill_lines (line_id, customer_id, partner_id, association_type, account_manager_id,
    site, currency, bill_cycle, bill_date, bill_type, charging_mode, trade_id, service_type_code,
    service_type_name, resource_type_code, resource_type_name, resource_spec_code, product_id,
    region_code, trade_time, consume_time, official_amount, official_discount_amount, erase_amount,
    payment_amount, coupon_amount, flexipurchase_coupon_amount, stored_value_card_amount,
    bonus_amount, cash_amount, credit_amount, debt_amount, writeoff_amount, corrects, refund_case)
SELECT 'l' || lpad(n::text, 8, '0'), 'c' || n % 2000, 'partner-1', '2', 'm' || n % 40, 'china',
    'CNY', '2026-10', '2026-10-15', CASE WHEN r THEN 4 ELSE 5 END, 3, 't' || n, 's' || n % 30, 's',
    'vm', 'vm', 's6', 'p' || n % 300, 'r' || n % 10,
    timestamptz '2026-09-30T16:00:00Z' + n * interval '1 second' * (2600000.0 / {lines}), now(),
    a, 0, 0, a, 0, 0, 0, 0, a, 0, 0, 0, CASE WHEN r THEN 'l' || lpad((n - 1)::text, 8, '0') END,
    CASE WHEN r AND n % 5000 = 0 THEN 'not_effective' END
FROM (
    SELECT n, n % 50 = 0 AND n > 1 AS r,
           CASE WHEN n % 50 = 0 AND n > 1 THEN -1 ELSE 1 END
               * (1 + n::bigint * 7919 % 9999) / 100.0 AS a
    FROM generate_series(1, {lines}) AS n
) AS made
"""
_VOUCHERS = """
INSERT INTO partner_vouchers (voucher_id, partner_id, currency, balance, effective_at, expire_at,
    limits, version)
SELECT 'v' || n, 'partner-1', 'CNY', {each}, timestamptz '2026-09-01' + n * interval '10 minutes',
    timestamptz '2026-10-10' + n * interval '30 minutes',
    jsonb_build_object('customer_ids', CASE WHEN n % 3 = 0 THEN jsonb_build_array('c' || n % 2000)
        ELSE '[]'::jsonb END, 'service_type_codes', CASE WHEN n % 4 = 0
        THEN jsonb_build_array('s' || n % 30) ELSE '[]'::jsonb END, 'product_ids', '[]'::jsonb,
        'region_codes', '[]'::jsonb, 'charging_modes', '[]'::jsonb), 1
FROM generate_series(1, {vouchers}) AS n
"""
_PARTNER = """
INSERT INTO partners (partner_id, kind, site, currency, coupon_mode, version)
VALUES ('partner-1', 'solution_provider', 'china', 'CNY', 'use_vouchers', 1)
"""
_SETTLEMENT = """
INSERT INTO settlements (settlement_id, partner_id, cycle, number, site, currency, state,
    is_current, lines_done, digest, customer_amount, settlement_amount, adjustment_amount,
    voucher_amount, forfeited_amount, due_amount, performance_amount, requested_at, version)
VALUES ('{name}', 'partner-1', '2026-10', {number}, 'china', 'CNY', '{state}', false, 0, '', 0, 0,
    0, 0, 0, 0, 0, now(), 1)
"""


async def fill(database: Database, lines: int) -> None:
    """The month of a partner, without the triggers that keep sums of lines."""
    told = {"lines": lines, "vouchers": VOUCHERS, "each": lines // 200}
    async with database.transaction() as session:
        await session.execute(text("SET LOCAL statement_timeout = 0"))
        await session.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in (_PARTNER, _LINES.format(**told), _VOUCHERS.format(**told)):
            await session.execute(text(statement))
    async with database.transaction() as session:
        await session.execute(text("SET LOCAL statement_timeout = 0"))
        await session.execute(text("ANALYZE bill_lines"))


async def ask(database: Database, name: str, number: int, state: str) -> Settlement:
    """A settlement as it was asked for."""
    async with database.transaction() as session:
        await session.execute(text(_SETTLEMENT.format(name=name, number=number, state=state)))
        return await session.get_one(Settlement, name)


async def floor(database: Database) -> float:
    """Read and write without rules; the seconds."""
    settlement = await ask(database, "floor", 1, "published")
    begun, done = time.perf_counter(), 0
    async with database.transaction() as reading:
        await reading.execute(text("SELECT 1"))  # the driver's transaction begins with it
        reader = LineReader(reading, settlement)
        while rows := await reader.read(PORTION_LINES):
            matched = [
                MatchedRow(
                    row, row.customer_id, NOTHING, row.customer_amount, row.cash_amount,
                    Matched(row.line_id, row.customer_amount),
                )
                for row in rows
            ]  # fmt: skip
            written = rows_of(settlement, done, matched)
            async with database.transaction() as session:
                await write_lines(session, written)
            done += len(rows)
    return time.perf_counter() - begun


async def settle(database: Database) -> float:
    """By the service's own schedule; the seconds."""
    settlement = await ask(database, "real", 2, "requested")
    work = Settlements(load_settlement_prices(), load_catalogue())
    begun = time.perf_counter()
    await work.work(database, NOW)
    seconds = time.perf_counter() - begun
    async with database.transaction() as session:
        found = await session.get_one(Settlement, settlement.settlement_id)
        assert found.state in ("settled", "published"), (found.state, found.failed_because)
    return seconds


async def _measure(settings: BillingSettings, lines: int) -> None:
    """In a process of its own: floor and settlement, and the memory of both."""
    database = Database(settings, "billing")
    await fill(database, lines)
    without = await floor(database)
    begun_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    seconds = await settle(database)
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{without:.2f} {seconds:.2f} {begun_mb} {memory_mb}")
    await database.close()


async def settlement_of_a_month(templates: Templates, arguments: Any) -> bool:
    """The row: two sizes; True when every bar is met."""
    per_line: list[float] = []
    met = True
    for lines in (arguments.lines, arguments.large):
        copy = templates.copy("billing", f"bench{lines}_")
        without, seconds, _, memory = await asyncio.to_thread(_in_a_process, copy, lines)
        templates.drop(copy)
        ratio = without / seconds
        per_line.append(seconds / lines)
        print(
            f"settlement of {lines:,} lines: {seconds:.1f} s, {lines / seconds:,.0f} lines/s,"
            f" {ratio:.2f} x the floor ({without:.1f} s; bar {BAR_OF_FLOOR}), {memory:.0f} MB"
        )
        met &= ratio >= BAR_OF_FLOOR and memory <= BAR_MEMORY_MB and seconds <= BAR_SECONDS
    slower = per_line[1] / per_line[0]
    print(f"per line at the large size: {slower:.2f} x (bar {BAR_PER_LINE})")
    return met and slower <= BAR_PER_LINE


def _in_a_process(copy: ServiceDatabase, lines: int) -> list[float]:
    told = {"CHB_BENCH": f"{copy.server_url}|{copy.prefix}|{lines}"}
    command = [sys.executable, "-m", "benchmarks.billing_settlement"]
    done = subprocess.run(command, env=os.environ | told, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [float(word) for word in done.stdout.split()[-4:]]


def main() -> None:
    """One measurement, for `settlement_of_a_month`."""
    server_url, prefix, lines = os.environ["CHB_BENCH"].split("|")
    database = ServiceDatabase("billing", server_url, prefix)
    asyncio.run(_measure(database.settings(BillingSettings), int(lines)))


if __name__ == "__main__":
    main()
