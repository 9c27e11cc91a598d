"""The read model: any order of arrival ends the same, filters combine, tenants are apart."""

import random
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import event, func, select, text, update

from chassis.database import Database
from chassis.errors import BadFieldError, NotFoundError
from chassis.identity import Principal
from chassis.settings import ServiceSettings
from contracts.event import Event
from gateway.portfolio.find_customers import find_customers
from gateway.portfolio.models import CustomerRow, FeedRow, LineRow, VisibleCustomer
from gateway.portfolio.project_events import project_events
from gateway.portfolio.search_conditions import CustomerSearch
from gateway.portfolio.show_customer import show_customer
from testkit.databases import ServiceDatabase, service_database
from tests.gateway.portfolio_builders import (
    NOW,
    card,
    coupon,
    customer,
    discount,
    funds,
    line,
    order,
    resource,
    settled,
)

pytestmark = pytest.mark.postgres
PARTNER = Principal(id="p1", kind="solution_provider", partner_id="p1")
STRANGER = Principal(id="p2", kind="solution_provider", partner_id="p2")


gateway_database = service_database("gateway")


@pytest.fixture
async def database(gateway_database: ServiceDatabase) -> AsyncIterator[Database]:
    found = Database(gateway_database.settings(ServiceSettings), "gateway")
    yield found
    await found.close()


async def project(database: Database, *events: Event) -> None:
    async with database.transaction() as session:
        await project_events(session, events)


async def page(database: Database, who: Principal = PARTNER, **filters: Any) -> dict[str, Any]:
    async with database.transaction_as(who) as session:
        return await find_customers(session, who, CustomerSearch(**filters), NOW)


async def names(database: Database, who: Principal = PARTNER, **filters: Any) -> list[str]:
    found = await page(database, who, sort="customer_id", order="asc", **filters)
    assert found["count"] == len(found["customers"])
    return [row["customer_id"] for row in found["customers"]]


async def shown(database: Database, who: Principal = PARTNER) -> dict[str, Any]:
    async with database.transaction_as(who) as session:
        return await show_customer(session, who, "c1", NOW)


STORY = [
    customer(version=1, association_status="pending"),
    customer(version=2, label="gold"),
    order("o1", version=1, status=6),
    order("o1", version=2, status=3),
    order("o2", version=1, status=6),
    funds("100.00", 1),
    funds("60.50", 2),
    coupon("cp1"),
    coupon("cp2"),
    coupon("cp2", version=2, status=5, balance="0.00"),
    card("sc1"),
    card("sc2", version=2, status=2, balance="0.00"),
    line("l1", "39.50"),
    line("l0", "7.00", cycle="2026-10", debt="5.00"),
    settled(line("l0", "7.00", cycle="2026-10", debt="5.00"), "3.00"),
    resource("r1", 12),
]


@pytest.mark.parametrize("seed", range(6))
async def test_any_order_of_arrival_and_any_batching_ends_the_same(
    database: Database, seed: int
) -> None:
    chance = random.Random(seed)
    events = [*STORY, *chance.sample(STORY, 4)]
    chance.shuffle(events)
    while events:
        cut = chance.randint(1, 5)
        await project(database, *events[:cut])
        events = events[cut:]
    customer_page = await shown(database)
    assert customer_page["profile"]["label"] == "gold"
    assert customer_page["orders"] == [
        {"status": 3, "orders": 1, "amount": Decimal("100.00"), "currency": "CNY"},
        {"status": 6, "orders": 1, "amount": Decimal("100.00"), "currency": "CNY"},
    ]
    assert [account["balance"] for account in customer_page["balances"]] == [Decimal("60.50")]
    assert [
        (coupons["coupon_type"], coupons["usable"], coupons["balance"])
        for coupons in customer_page["vouchers"]
    ] == [(1, 1, Decimal("50.00")), (5, 1, Decimal("9.00"))]
    assert customer_page["consumption_this_month"] == Decimal("39.50")
    assert [found["resource_id"] for found in customer_page["next_expiries"]] == ["r1"]
    async with database.transaction() as session:
        owed = {line.line_id: line.debt_amount for line in await session.scalars(select(LineRow))}
    assert owed == {"l0": Decimal("2.00"), "l1": Decimal("0.00")}


async def test_a_customer_known_only_from_other_streams_is_not_shown_yet(
    database: Database,
) -> None:
    await project(database, order("o1"))
    assert await names(database, association_status="any") == []
    await project(database, customer())
    assert await names(database) == ["c1"]
    assert (await shown(database))["orders"][0]["orders"] == 1


@pytest.mark.parametrize("held", [coupon("CP9"), discount("DI9")], ids=["coupon", "discount"])
async def test_what_a_partner_holds_itself_makes_no_customer(
    database: Database, held: Event
) -> None:
    """Break: take every holder for a customer."""
    own = held.model_copy(update={"customer_id": PARTNER.id})
    async with database.transaction() as session:
        await project_events(session, [own])
        assert await session.scalar(select(func.count()).select_from(CustomerRow)) == 0
        assert await session.scalar(select(FeedRow.customer_id)) is None


async def test_a_restated_event_rebuilds_a_row_and_is_no_news_in_the_feed(
    database: Database,
) -> None:
    await project(database, customer(label="old"))
    restated = customer(label="old")
    restated.__dict__["restated"] = True
    async with database.transaction() as session:
        await session.execute(update(CustomerRow).values(label="broken"))
    await project(database, restated)
    assert (await shown(database))["profile"]["label"] == "old"
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(FeedRow)) == 1


@pytest.fixture
async def five(database: Database) -> Database:
    await project(
        database,
        customer("c1", account_name="zhang_wei", customer_name="上海云帆科技有限公司", label="gold",
                 mobile="13800000001", account_manager_id="m1", account_manager_name="李雷"),
        customer("c2", account_name="beta", customer_name="北京云图信息技术", label="silver",
                 associated_on=NOW - timedelta(days=40), association_type="1"),
        customer("c3", account_name="100%_pure", customer_name="Pure Water Ltd", label="gold",
                 account_manager_id="m1", account_manager_name="李雷"),
        customer("c4", association_status="unlinked"),
        customer("c5", partner_id="p2"),
        line("l1", "10.00", customer_id="c1"),
        line("l2", "99.99", customer_id="c3"),
        line("l3", "50.00", cycle="2026-10", customer_id="c2"),
        resource("r1", 5, "c1"),
        resource("r2", 90, "c3"),
    )  # fmt: skip
    return database


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["c1", "c2", "c3"]),
        ({"association_status": "any"}, ["c1", "c2", "c3", "c4"]),
        ({"association_type": "1"}, ["c2"]),
        ({"associated_from": NOW - timedelta(days=1)}, ["c1", "c3"]),
        ({"associated_until": NOW}, ["c2"]),
        ({"name": "云"}, ["c1", "c2"]),
        ({"name": "云帆"}, ["c1"]),
        ({"name": "PURE"}, ["c3"]),
        ({"name": "%_"}, ["c3"]),
        ({"name": "云 帆"}, []),
        ({"account_manager": "李雷"}, ["c1", "c3"]),
        ({"account_manager": "m1", "label": "gold"}, ["c1", "c3"]),
        ({"consumption_min": "10.01"}, ["c3"]),
        ({"consumption_min": "0", "consumption_max": "10.00"}, ["c1", "c2"]),
        ({"consumption_max": "0"}, ["c2"]),
        ({"expires_within_days": 30}, ["c1"]),
        ({"expires_within_days": 100, "label": "gold", "name": "pure"}, ["c3"]),
        ({"mobile": "13800000001"}, ["c1"]),
        ({"label": "silver"}, ["c2"]),
        ({"label": "bronze"}, []),
    ],
)
async def test_filters_combine(
    five: Database, filters: dict[str, Any], expected: list[str]
) -> None:
    assert await names(five, **filters) == expected


@pytest.mark.parametrize("sort", ["account_name", "associated_on", "consumption", "customer_id"])
@pytest.mark.parametrize("order_by", ["asc", "desc"])
async def test_pages_follow_each_other_without_gap_or_repetition(
    five: Database, sort: str, order_by: str
) -> None:
    whole = await page(five, sort=sort, order=order_by)
    seen: list[str] = []
    after = None
    for _ in range(3):
        one = await page(five, sort=sort, order=order_by, limit=1, after=after)
        seen += [row["customer_id"] for row in one["customers"]]
        after = one["next"]
    assert after is None
    assert seen == [row["customer_id"] for row in whole["customers"]]
    assert len(set(seen)) == 3


async def test_a_foreign_cursor_is_refused(five: Database) -> None:
    first = await page(five, limit=1)
    with pytest.raises(BadFieldError, match="not a cursor"):
        await page(five, limit=1, sort="account_name", after=first["next"])
    with pytest.raises(BadFieldError, match="not a cursor"):
        await page(five, after="bm9uc2Vuc2U=")


async def test_another_partner_sees_nothing_of_it(five: Database) -> None:
    assert await names(five, STRANGER) == ["c5"]
    with pytest.raises(NotFoundError):
        await shown(five, STRANGER)


async def test_the_second_wall_holds_without_the_first(five: Database) -> None:
    async with five.transaction_as(STRANGER) as session:
        seen = await session.scalars(select(CustomerRow.customer_id))
        assert list(seen) == ["c5"]


async def test_the_view_of_searches_is_behind_the_same_wall(five: Database) -> None:
    for who, expected in ((STRANGER, {"c5"}), (PARTNER, {"c1", "c2", "c3", "c4"})):
        async with five.transaction_as(who) as session:
            seen = await session.scalars(select(VisibleCustomer.customer_id))
            assert set(seen) == expected


async def filled(database: Database) -> None:
    """One customer among 20,000 whose names have other characters."""
    await project(database, customer("c1", customer_name="上海云帆科技有限公司"))
    fill = text(
        "INSERT INTO portfolio_customers (customer_id, partner_id, version, account_name, names,"
        " association_status, associated_on, as_of)"
        " SELECT 'x' || n, 'p1', 1, 'u' || n, ARRAY[first, second, first || second],"
        " 'associated', now(), now() FROM generate_series(1, 20000) AS n,"
        " LATERAL (SELECT chr(20968 + n % 900), chr(21968 + n % 700)) AS named (first, second)"
    )
    async with database.transaction() as session:
        await session.execute(fill)
    async with database.engine.connect() as connection:
        alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
        # Until a vacuum, an inverted index keeps a list of what is new; each search reads it all.
        await alone.execute(text("VACUUM ANALYZE portfolio_customers"))


@pytest.mark.parametrize("name", ["云", "云帆", "云帆科技"])
async def test_a_search_by_name_uses_the_index_of_characters_and_pairs(
    database: Database, name: str
) -> None:
    await filled(database)
    asked: list[tuple[str, Any]] = []

    def keep(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "matches" in statement:
            asked.append((statement, parameters))

    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", keep)
    assert await names(database, name=name) == ["c1"]
    event.remove(engine, "before_cursor_execute", keep)
    assert len(asked) == 1  # who matches, and how many
    async with database.transaction_as(PARTNER) as session:
        connection = await session.connection()
        for statement, parameters in asked:
            plan = await connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
            told = "\n".join(plan.scalars())
            assert "Bitmap Index Scan on portfolio_customers_names" in told
