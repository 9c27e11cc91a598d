"""Bill lines stand in parts by cycle; what held over all of them before still does (0133)."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal

import asyncpg
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from billing.lines.cycle_parts import CYCLES_AHEAD, make_cycle_parts
from billing.lines.models import BillLine, ChargedUsage, LineVersion
from chassis.database import Database
from chassis.migrations import migrate
from testkit.databases import ServiceDatabase, unique_prefix
from testkit.servers import PostgresServer
from tests.billing.builders import NOW
from tests.billing.lines import bill_line

pytestmark = pytest.mark.postgres

FAR = datetime(2039, 12, 5, tzinfo=UTC)
_PART_OF = text("SELECT tableoid::regclass::text FROM bill_lines WHERE line_id = :line_id")
LATER = datetime(2026, 12, 1, 4, tzinfo=UTC)


async def add(database: Database, *lines: BillLine) -> None:
    async with database.transaction() as session:
        session.add_all(lines)


async def part_of(database: Database, line_id: str) -> str | None:
    async with database.transaction() as session:
        part: str | None = await session.scalar(_PART_OF, {"line_id": line_id})
        return part


async def test_a_record_is_charged_once_over_all_cycles(database: Database) -> None:
    """Break: leave the trigger `records_charged` away."""
    await add(database, bill_line("a", bill_cycle="2026-10", usage_record_id="r"))
    with pytest.raises(IntegrityError, match="charged_records"):
        await add(database, bill_line("b", bill_cycle="2026-11", usage_record_id="r"))
    async with database.transaction() as session:
        charged = (await session.scalars(select(ChargedUsage))).one()
    assert (charged.line_id, charged.bill_cycle) == ("a", "2026-10")


async def test_parts_are_made_ahead_and_no_cycle_is_refused(database: Database) -> None:
    """Break: attach a part for a cycle of which the part of all others holds lines."""
    await add(database, bill_line("unforeseen", bill_cycle="2039-12"))
    assert await part_of(database, "unforeseen") == "bill_lines_other"
    for _ in range(2):
        await asyncio.gather(make_cycle_parts(database, FAR), make_cycle_parts(database, FAR))
    cycles = ["2039-12", "2040-01", "2040-02", "2040-03", "2040-04"]
    await add(database, *(bill_line(cycle, bill_cycle=cycle) for cycle in cycles))
    assert CYCLES_AHEAD == 3
    assert [await part_of(database, cycle) for cycle in cycles] == [
        "bill_lines_other", "bill_lines_2040_01", "bill_lines_2040_02", "bill_lines_2040_03",
        "bill_lines_other",
    ]  # fmt: skip


async def test_what_a_line_was_is_kept_when_its_debt_is_written_off(database: Database) -> None:
    """Break: raise no version."""
    await add(
        database,
        bill_line("owed", cash_amount=2, debt_amount=3),
    )
    for number, paid in enumerate(("1.00", "2.00")):
        async with database.transaction() as session:
            line = (await session.scalars(select(BillLine))).one()
            line.write_off(Decimal(paid), LATER.replace(day=1 + number))
    async with database.transaction() as session:
        versions = await session.scalars(select(LineVersion).order_by(LineVersion.version))
        kept = [(v.version, v.until, v.debt_amount, v.writeoff_amount) for v in versions]
    assert kept == [
        (1, LATER, Decimal("3.00"), Decimal("0.00")),
        (2, LATER.replace(day=2), Decimal("2.00"), Decimal("1.00")),
    ]


_LINES = """
INSERT INTO bill_lines (line_id, customer_id, partner_id, association_type, site, currency,
        bill_cycle, bill_date, bill_type, charging_mode, trade_id, service_type_code,
        service_type_name, resource_type_code, resource_type_name, resource_spec_code, product_id,
        region_code, trade_time, consume_time, official_amount, official_discount_amount,
        erase_amount, payment_amount, coupon_amount, flexipurchase_coupon_amount,
        stored_value_card_amount, bonus_amount, cash_amount, credit_amount, debt_amount,
        writeoff_amount, usage_record_id)
    SELECT $1 || n, 'c', 'p', '2', 'china', 'CNY', CASE n WHEN 1 THEN '2024-02' ELSE '2026-11' END,
           '2026-11-23', 5, 3, 'm', 'ec2', 'ec2', 'vm', 'vm', 's6', 's6', 'cn-north-4',
           '2026-11-23T03:00:00Z', now(), 1, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0,
           CASE WHEN n % 2 = 0 THEN 'r' || $1 || n END
    FROM generate_series(1, 100) AS n
"""


_FOUND = """
SELECT tableoid::regclass::text AS part, bill_cycle, count(*) AS lines,
       count(*) FILTER (WHERE known_at = trade_time) AS known, count(usage_record_id) AS records
FROM bill_lines GROUP BY 1, 2 ORDER BY 2
"""


async def test_lines_of_before_are_taken_over_beside_a_writer(
    postgres_server: PostgresServer,
) -> None:
    """A run that ended in the middle goes on; a replica of before writes all the while.

    Break: copy no record in `catch_up`, or set no instant; attach without the check.
    """
    old = ServiceDatabase("billing", postgres_server.url, unique_prefix())
    postgres_server.create_database(old.name)
    await asyncio.to_thread(migrate, "billing", old.url, "0013")
    connection = await asyncpg.connect(old.url)
    try:
        await connection.execute(_LINES, "a")
        await connection.execute("CREATE TABLE bill_lines_first ()")  # in the way of the exchange
        with pytest.raises(DBAPIError, match="already exists"):
            await asyncio.to_thread(migrate, "billing", old.url)
        await connection.execute(_LINES, "b")
        await connection.execute("DROP TABLE bill_lines_first")
        await asyncio.to_thread(migrate, "billing", old.url)
        await connection.execute(_LINES, "c")
        found = await connection.fetch(_FOUND)
        assert [tuple(row) for row in found] == [
            ("bill_lines_first", "2024-02", 3, 1, 0),
            ("bill_lines_first", "2026-11", 297, 99, 150),
        ]
        assert await connection.fetchval("SELECT count(*) FROM charged_records") == 150
        again = _LINES.replace("$1 || n, 'c'", "'d' || n, 'c'")
        with pytest.raises(asyncpg.UniqueViolationError, match="charged_records"):
            await connection.execute(again, "b")
    finally:
        await connection.close()
        postgres_server.drop_database(old.name)


async def test_a_line_says_since_when_it_is_known(database: Database) -> None:
    await add(database, bill_line("told", known_at=LATER))
    async with database.transaction() as session:
        line = (await session.scalars(select(BillLine))).one()
    assert (line.known_at, line.trade_time) == (LATER, NOW)
