"""Sums are what their lines add up to, whoever writes and pays those (decision 0134)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import asyncpg
import pytest
from sqlalchemy import select, text

from billing.lines.models import BillLine
from chassis.database import Database
from chassis.migrations import migrate
from testkit.databases import ServiceDatabase, unique_prefix
from testkit.servers import PostgresServer
from tests.billing.lines import PAID_BY, bill_line

pytestmark = pytest.mark.postgres

LINES, WRITE_OFFS = 300, 12
BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
_GROUP = (
    "bill_cycle, customer_id, bill_date, partner_id, payer_id, account_manager_id, customer_label,"
    " service_type_code, region_code, charging_mode, bill_type, enterprise_project_id, currency"
)
_AMOUNTS = ("official_amount", "official_discount_amount", "erase_amount", "payment_amount",
            *PAID_BY)  # fmt: skip
_OF_LINES = (
    f"SELECT {_GROUP}, count(*) AS lines, count(*) FILTER (WHERE payment_amount = 0) AS zero_lines,"
    " count(*) FILTER (WHERE debt_amount <> 0) AS owed_lines, "
    + ", ".join(f"sum({name}) AS {name}" for name in _AMOUNTS)
    + f" FROM bill_lines GROUP BY {_GROUP}"
)
_OF_SUMS = f"SELECT {_GROUP}, lines, zero_lines, owed_lines, {', '.join(_AMOUNTS)} FROM bill_sums"
DIFFERENCES = f"(({_OF_LINES}) EXCEPT ({_OF_SUMS})) UNION ALL (({_OF_SUMS}) EXCEPT ({_OF_LINES}))"


def random_line(random: Random, number: int) -> BillLine:
    """A line of one of a few kinds, days and customers, paid by some means, a part of it owed."""
    day = BEGIN + timedelta(hours=random.randrange(59 * 24))
    is_refund = random.random() < 0.2
    amounts = {
        name: Decimal(random.randrange(-500 if is_refund and name != "debt_amount" else 0, 500))
        / 100
        for name in random.sample(PAID_BY, random.randrange(4))
        if name != "writeoff_amount"
    } or {"cash_amount": Decimal(0)}
    return bill_line(
        f"line-{number:04}",
        customer_id=random.choice(["customer-1", "customer-2"]),
        payer_id=random.choice([None, "master"]),
        account_manager_id=random.choice([None, "m|1", "m"]),
        customer_label=random.choice([None, "", "vip"]),
        enterprise_project_id=random.choice([None, "0", "p-1"]),
        bill_cycle=day.date().isoformat()[:7],
        bill_date=day.date(),
        trade_time=day,
        bill_type=4 if is_refund else random.choice([1, 5]),
        region_code=random.choice(["cn-north-4", "cn-east-3"]),
        official_discount_amount=Decimal(random.randrange(10**8)) / 10**8,
        erase_amount=Decimal(random.randrange(10**6)) / 10**8,
        **amounts,
    )


@pytest.mark.parametrize("seed", range(2))
async def test_sums_are_what_the_lines_add_up_to(database: Database, seed: int) -> None:
    """Break: leave an amount out of what changes, or count no owed line."""
    random = Random(seed)
    lines = [random_line(random, number) for number in range(LINES)]
    while lines:
        async with database.transaction() as session:
            session.add_all(lines[: (portion := random.randrange(1, 80))])
        del lines[:portion]
    for number in range(WRITE_OFFS):
        async with database.transaction() as session:
            owed = await session.scalars(
                select(BillLine).where(BillLine.debt_amount > 0).order_by(BillLine.line_id).limit(3)
            )
            for line in owed:
                line.write_off(Decimal(random.randrange(1, 300)) / 100, BEGIN)
        if number == 5:
            async with database.transaction() as session:
                assert (await session.execute(text(DIFFERENCES))).all() == []
    async with database.transaction() as session:
        assert (await session.execute(text(DIFFERENCES))).all() == []
        owed_left = await session.scalar(text("SELECT sum(owed_lines) FROM bill_sums"))
        assert 0 < owed_left < LINES


@pytest.fixture
async def older(postgres_server: PostgresServer) -> AsyncIterator[ServiceDatabase]:
    """A database of the version before there were sums."""
    old = ServiceDatabase("billing", postgres_server.url, unique_prefix())
    postgres_server.create_database(old.name)
    await asyncio.to_thread(migrate, "billing", old.url, "0018")
    yield old
    postgres_server.drop_database(old.name)


_LINES = """
INSERT INTO bill_lines (line_id, customer_id, partner_id, association_type, site, currency,
        bill_cycle, bill_date, bill_type, charging_mode, trade_id, service_type_code,
        service_type_name, resource_type_code, resource_type_name, resource_spec_code, product_id,
        region_code, trade_time, consume_time, official_amount, official_discount_amount,
        erase_amount, payment_amount, coupon_amount, flexipurchase_coupon_amount,
        stored_value_card_amount, bonus_amount, cash_amount, credit_amount, debt_amount,
        writeoff_amount)
    SELECT $1 || n, 'c-' || n % 3, 'p', '2', 'china', 'CNY', '2026-11', '2026-11-23', 5, 3, 'm',
           'ec2', 'ec2', 'vm', 'vm', 's6', 's6', 'cn-north-4', '2026-11-23T03:00:00Z', now(),
           1, 0, 0, 1, 0, 0, 0, 0, n % 2, 0, 1 - n % 2, 0
    FROM generate_series(1, 100) AS n
"""


async def test_lines_of_before_are_summed_while_others_write(older: ServiceDatabase) -> None:
    """Break: sum no line of before."""
    writer = await asyncpg.connect(older.url)
    try:
        await writer.execute(_LINES, "a")
        async with writer.transaction():
            await writer.execute(_LINES, "b")  # is open when the migration begins
            migrating = asyncio.create_task(asyncio.to_thread(migrate, "billing", older.url))
            await asyncio.sleep(0)
        await migrating
        await writer.execute(_LINES, "c")
        assert await writer.fetch(DIFFERENCES) == []
        assert await writer.fetchval("SELECT sum(lines) FROM bill_sums") == 300
    finally:
        await writer.close()
