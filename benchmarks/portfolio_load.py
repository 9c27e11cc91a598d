"""A million customers and half a million resources, straight into the gateway's read model."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg

from benchmarks.wire_load import PARTNER, customers

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
CYCLE, CYCLE_BEFORE = "2026-11", "2026-10"
MANAGERS = 100  # one of them has every third customer
_CUSTOMER = (
    "customer_id", "partner_id", "version", "account_name", "customer_name", "site",
    "currency", "association_type", "association_status", "associated_on", "label", "mobile",
    "account_manager_id", "account_manager_name", "is_frozen", "registered_at",
    "consumption_cycle", "consumption_amount", "as_of",
)  # fmt: skip
_RESOURCE = (
    "resource_id", "partner_id", "version", "customer_id", "resource_name", "service_type_code",
    "charging_mode", "status", "expire_at",
)  # fmt: skip


def _customers(count: int) -> Iterator[tuple[Any, ...]]:
    chance = random.Random(6)
    for number, known in enumerate(customers(count)):
        customer_id, partner_id, _, site, currency, account_name, customer_name = known[:7]
        kind, status, on, rare_label = known[9:13]
        manager = 0 if number % 3 == 0 else chance.randrange(1, MANAGERS)
        cycle = chance.choice((CYCLE, CYCLE, CYCLE_BEFORE, None))
        spent = Decimal(int(chance.paretovariate(1) * 100)) / 100 if cycle else Decimal(0)
        yield (
            customer_id, partner_id, 2, account_name, customer_name,
            site, currency, kind, status, on,
            "gold" if number % 10 in (1, 4, 7) else rare_label, f"138{number:08d}",
            f"m{manager}", f"经理{manager}", 0, on, cycle, min(spent, Decimal(10_000_000)), NOW,
        )  # fmt: skip


def _resources(count: int) -> Iterator[tuple[Any, ...]]:
    chance = random.Random(7)
    for number in range(count // 2):
        ends = NOW + timedelta(days=chance.uniform(-30, 365))
        yield (
            f"r{number}", PARTNER, 1, f"{chance.randrange(count):032x}", f"ecs-{number}",
            "hws.service.type.ec2", 1, 2, ends,
        )  # fmt: skip


async def load_portfolio(url: str, count: int) -> None:
    """COPY without indexes, then the indexes as the migrations made them."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET maintenance_work_mem = '512MB'")
        made = await connection.fetch(
            "SELECT indexname, indexdef FROM pg_indexes WHERE indexname NOT LIKE '%_pkey'"
            " AND tablename IN ('portfolio_customers', 'portfolio_resources')"
        )
        for index in made:
            await connection.execute(f'DROP INDEX "{index["indexname"]}"')
        await connection.copy_records_to_table(
            "portfolio_customers", records=_customers(count), columns=_CUSTOMER
        )
        await connection.copy_records_to_table(
            "portfolio_resources", records=_resources(count), columns=_RESOURCE
        )
        for index in made:
            await connection.execute(index["indexdef"])
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
