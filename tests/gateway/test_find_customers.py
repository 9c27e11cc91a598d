"""Searches agree with a plain look at every row, whichever way they are carried out."""

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import delete, insert, select, update

from chassis.database import Database
from chassis.identity import Principal
from chassis.settings import ServiceSettings
from gateway.portfolio import find_customers as module
from gateway.portfolio.find_customers import find_customers
from gateway.portfolio.models import CustomerRow, ResourceRow
from gateway.portfolio.search_conditions import CustomerSearch
from testkit.databases import ServiceDatabase, service_database
from testkit.door import ADMINISTRATOR
from tests.gateway.portfolio_builders import NOW

pytestmark = pytest.mark.postgres

CUSTOMERS = 300
COUNTED_MAX = 20
SELLER = Principal(id="p1", kind="solution_provider", partner_id="p1")
DISTRIBUTOR = Principal(id="d1", kind="distributor", partner_id="d1")
RESELLER = Principal(id="r1", kind="reseller", partner_id="r1")
CYCLE = "2026-11"
WORDS = ("云", "帆", "科技", "有限公司", "Cloud", "000", "ab")
ASKED = ("云", "科技", "有限公司", "司云帆", "CLOUD", "0000", "ababab", "%", "cloud有", "none")

fresh = service_database("gateway")


@pytest.fixture
async def database(
    fresh: ServiceDatabase, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Database]:
    """Bounds so small that every way of searching is taken."""
    monkeypatch.setattr(module, "COUNTED_MAX", COUNTED_MAX)
    monkeypatch.setattr(module, "FIRST_ROWS", 2)
    monkeypatch.setattr(module, "WALK_ROWS_MAX", 40)
    monkeypatch.setattr(module, "SMALL_MAX", 60)
    monkeypatch.setattr(module, "RESOURCES_MAX", 25)
    found = Database(fresh.settings(ServiceSettings), "gateway")
    yield found
    await found.close()


def made_up(chance: random.Random) -> dict[str, Any]:
    """What may change of a customer."""
    name = "".join(chance.choices(WORDS, k=chance.randint(1, 4)))
    status = chance.choice(("associated",) * 6 + ("unlinked", "pending"))
    partner_id, distributor_id = chance.choice([("p1", None)] * 4 + [("d1", None), ("r1", "d1")])
    manager = chance.randrange(4)
    on = NOW - timedelta(days=chance.randrange(60))
    return {
        "partner_id": partner_id,
        "distributor_id": distributor_id,
        "version": chance.choice((0, 1, 2, 3, 4, 5)),
        "account_name": f"n{chance.randrange(10_000):04}",
        "customer_name": name,
        "association_type": chance.choice("1223"),
        "association_status": status,
        "associated_on": None if status == "pending" else on,
        "registered_at": on - timedelta(hours=1),
        "label": chance.choice((None, "gold", "gold", "silver")),
        "mobile": f"1380000{chance.randrange(50):04}",
        "account_manager_id": f"m{manager}",
        "account_manager_name": f"李雷{manager}",
        "consumption_cycle": chance.choice((CYCLE, CYCLE, "2026-10", "2026-12", None)),
        "consumption_amount": Decimal(chance.randrange(-300, 500, 100)) / 100,
        "as_of": NOW + timedelta(seconds=chance.randrange(1000)),
    }


async def write(database: Database, chance: random.Random, ids: list[str]) -> None:
    """Customers again, and what they have that ends."""
    rows = [{"customer_id": customer_id, **made_up(chance)} for customer_id in ids]
    ends = [
        {
            "resource_id": f"{row['customer_id']}-{n}", "customer_id": row["customer_id"],
            "partner_id": row["partner_id"], "distributor_id": row["distributor_id"],
            "version": 1, "resource_name": "ecs", "service_type_code": "ec2", "charging_mode": 1,
            "status": 2,
            "expire_at": chance.choice((None, NOW + timedelta(days=chance.uniform(-9, 30)))),
        }
        for row in rows for n in range(chance.randrange(4))
    ]  # fmt: skip
    async with database.transaction() as session:
        for table in (CustomerRow, ResourceRow):
            await session.execute(delete(table).where(table.customer_id.in_(ids)))
        await session.execute(insert(CustomerRow), rows)
        await session.execute(insert(ResourceRow), ends)


async def change(database: Database, chance: random.Random) -> None:
    """Some are written again, some are changed, some go."""
    ids = [f"c{chance.randrange(CUSTOMERS):03}" for _ in range(20)]
    await write(database, chance, sorted(set(ids[:6])))
    async with database.transaction() as session:
        gone = delete(CustomerRow).where(CustomerRow.customer_id.in_(ids[6:8]))
        await session.execute(gone)
        await session.execute(
            update(CustomerRow).where(CustomerRow.customer_id.in_(ids[8:])).values(label="gold")
        )


def wanted(chance: random.Random) -> dict[str, Any]:
    """One filter, or some together, in some order."""
    days = chance.randrange(60)
    filters: dict[str, Any] = {
        "association_type": chance.choice("123"),
        "association_status": chance.choice(("any", "unlinked", "pending")),
        "associated_from": NOW - timedelta(days=days),
        "associated_until": NOW - timedelta(days=days // 2),
        "name": chance.choice(ASKED),
        "account_manager": chance.choice(("m1", "李雷2", "nobody")),
        "consumption_min": Decimal(chance.randrange(-300, 500, 50)) / 100,
        "consumption_max": Decimal(chance.randrange(-300, 500, 50)) / 100,
        "expires_within_days": chance.choice((0, 2, 10, 40)),
        "mobile": f"1380000{chance.randrange(50):04}",
        "label": chance.choice(("gold", "silver", "bronze")),
        "partner_id": chance.choice(("p1", "d1", "r1")),
    }
    chosen = chance.sample(sorted(filters), chance.choice((0, 1, 1, 1, 2, 3)))
    return {
        **{name: filters[name] for name in chosen},
        "sort": chance.choice(("account_name", "associated_on", "consumption", "customer_id")),
        "order": chance.choice(("asc", "desc")),
    }


async def plainly(database: Database, who: Principal, search: CustomerSearch) -> list[CustomerRow]:
    """By looking at every row."""
    async with database.transaction() as session:
        rows = list(await session.scalars(select(CustomerRow)))
        soon = NOW + timedelta(days=search.expires_within_days or 0)
        expiring = select(ResourceRow.customer_id).where(
            ResourceRow.expire_at >= NOW, ResourceRow.expire_at < soon
        )
        ends = set(await session.scalars(expiring))
    found = [row for row in rows if matches(row, who, search, ends)]
    return sorted(
        found, key=lambda row: (value(row, search), row.customer_id), reverse=search.order == "desc"
    )


def consumed(row: CustomerRow) -> Decimal:
    return row.consumption_amount if row.consumption_cycle == CYCLE else Decimal(0)


def value(row: CustomerRow, search: CustomerSearch) -> Any:
    """What is sorted by."""
    if search.sort == "consumption":
        return consumed(row)
    if search.sort == "associated_on":
        return row.associated_on or row.registered_at
    return getattr(row, search.sort)


def matches(row: CustomerRow, who: Principal, search: CustomerSearch, ends: set[str]) -> bool:
    """Whether the row is asked for."""
    never = datetime(1, 1, 1, tzinfo=UTC)
    least, most = search.consumption_min, search.consumption_max
    begin, end = search.associated_from, search.associated_until
    names = (str(row.account_name).lower(), str(row.customer_name).lower())
    return (
        row.version > 0
        and (who.is_administrator or who.id in (row.partner_id, row.distributor_id))
        and search.association_status in ("any", row.association_status)
        and search.association_type in (None, row.association_type)
        and (begin is None or (row.associated_on or never) >= begin)
        and (end is None or (row.associated_on is not None and row.associated_on < end))
        and (search.name is None or any(search.name.lower() in name for name in names))
        and search.account_manager in (None, row.account_manager_id, row.account_manager_name)
        and (least is None or consumed(row) >= least)
        and (most is None or consumed(row) <= most)
        and (search.expires_within_days is None or row.customer_id in ends)
        and search.mobile in (None, row.mobile)
        and search.label in (None, row.label)
        and search.partner_id in (None, row.partner_id)
    )


async def ask(database: Database, who: Principal, search: CustomerSearch) -> dict[str, Any]:
    async with database.transaction_as(who) as session:
        return await find_customers(session, who, search, NOW)


@pytest.mark.parametrize("seed", range(4))
async def test_pages_and_counts_are_those_of_a_plain_look_at_every_row(
    database: Database, seed: int
) -> None:
    chance = random.Random(seed)
    await write(database, chance, [f"c{n:03}" for n in range(CUSTOMERS)])
    bounded = 0
    for _ in range(20):
        await change(database, chance)
        who = chance.choice((SELLER, SELLER, DISTRIBUTOR, RESELLER, ADMINISTRATOR))
        asked = wanted(chance) | {"limit": chance.choice((5, 10, 20))}
        expected = await plainly(database, who, CustomerSearch(**asked))
        seen: list[str] = []
        after, pages = None, 0
        while after is not None or not pages:
            page = await ask(database, who, CustomerSearch(**asked, after=after))
            seen += [row["customer_id"] for row in page["customers"]]
            if page["count_is_exact"]:
                assert page["count"] == len(expected), asked
            else:
                assert page["count"] == COUNTED_MAX < len(expected), asked
                bounded += 1
            after, pages = page["next"], pages + 1
        assert seen == [row.customer_id for row in expected], asked
        exactly = await ask(database, who, CustomerSearch(**asked, count="exact"))
        assert (exactly["count"], exactly["count_is_exact"]) == (len(expected), True), asked
    assert bounded > 0


async def test_a_count_is_exact_up_to_the_bound_and_in_a_small_portfolio(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(1)
    monkeypatch.setattr(module, "SMALL_MAX", 3 * COUNTED_MAX // 2 - 1)
    async with database.transaction() as session:
        rows = [
            {**made_up(chance), "customer_id": f"c{n:03}", "label": "gold" if n % 3 else None,
             "partner_id": "p1", "distributor_id": None, "version": 1,
             "association_status": "associated"}
            for n in range(3 * COUNTED_MAX // 2)
        ]  # fmt: skip
        await session.execute(insert(CustomerRow), rows)
    asked = CustomerSearch(label="gold", limit=1)
    page = await ask(database, SELLER, asked)
    assert (page["count"], page["count_is_exact"]) == (COUNTED_MAX, True)
    async with database.transaction() as session:
        one_more = update(CustomerRow).where(CustomerRow.customer_id == "c000")
        await session.execute(one_more.values(label="gold"))
    page = await ask(database, SELLER, asked)
    assert (page["count"], page["count_is_exact"]) == (COUNTED_MAX, False)
    monkeypatch.setattr(module, "SMALL_MAX", 3 * COUNTED_MAX // 2)
    page = await ask(database, SELLER, asked)
    assert (page["count"], page["count_is_exact"]) == (COUNTED_MAX + 1, True)
    assert "count" not in await ask(database, SELLER, CustomerSearch(count=False))


@pytest.mark.parametrize(
    ("told", "meant"), [("true", True), ("1", True), ("false", False), ("exact", "exact")]
)
def test_a_count_is_asked_for_as_ever_or_exactly(told: str, meant: Any) -> None:
    assert CustomerSearch.model_validate({"count": told}).count == meant
    with pytest.raises(ValidationError) as refused:
        CustomerSearch.model_validate({"count": "roughly"})
    assert [error["loc"] for error in refused.value.errors()] == [("count",)]
