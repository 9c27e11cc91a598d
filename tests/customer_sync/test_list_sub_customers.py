"""list_sub_customers: filters, pages, tenants, speed of the search.

See docs/domain/customers.md F4, docs/domain/wire-protocol.md D.5.
"""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from chassis.database import Database
from chassis.identity import Principal
from customer_sync.search import list_sub_customers
from testkit.clock import StandingClock
from testkit.door import ADMINISTRATOR, code_of
from tests.customer_sync.builders import (
    ABROAD,
    DISTRIBUTOR,
    LIST,
    OTHER_DISTRIBUTOR,
    OTHER_SELLER,
    RESELLER,
    SELLER,
    CustomerDoor,
)


async def _known(door: CustomerDoor, clock: StandingClock) -> None:
    """Three customers with names and labels, each a minute younger than the one before."""
    for account, name, label in (
        ("Acme-East", "北京华夏科技有限公司", "重点VIP"),
        ("acme-west", "上海华夏贸易", "vip"),
        ("Zenith_1", "深圳科技", None),
    ):
        customer = await door.create(domain_name=account)
        body = {"customer_name": name, "customer_type": 1}
        path = f"/api/customers/{customer}/verification"
        assert (await door.post(path, body, ADMINISTRATOR)).status_code == 200
        change = {"label": label}
        await door.patch(f"/api/customers/{customer}", change, SELLER)
        clock.forward(minutes=1)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, {"Acme-East", "acme-west", "Zenith_1"}),
        ({"account_name": "acme"}, {"Acme-East", "acme-west"}),
        ({"account_name": "EAST"}, {"Acme-East"}),
        ({"account_name": "-west"}, {"acme-west"}),
        ({"account_name": "e-"}, {"Acme-East", "acme-west"}),
        ({"account_name": "_"}, {"Zenith_1"}),
        ({"account_name": "%"}, set()),
        ({"account_name": "emca"}, set()),
        ({"account_name": "acme-east-and-more"}, set()),
        ({"customer": "华夏"}, {"Acme-East", "acme-west"}),
        ({"customer": "科"}, {"Acme-East", "Zenith_1"}),
        ({"customer": "深圳科技"}, {"Zenith_1"}),
        ({"customer": "vip"}, set()),
        ({"label": "VIP"}, {"Acme-East"}),
        ({"label": "vip"}, {"acme-west"}),
        ({"label": "v"}, {"acme-west"}),
        ({"account_name": "acme", "customer": "贸易", "label": "vip"}, {"acme-west"}),
        ({"account_name": "acme", "customer": "深圳"}, set()),
        (
            {"account_name": "", "customer": None, "label": ""},
            {"Acme-East", "acme-west", "Zenith_1"},
        ),
        ({"associated_on_begin": "2026-11-23T03:01:00Z"}, {"acme-west", "Zenith_1"}),
        ({"associated_on_end": "2026-11-23T03:01:00Z"}, {"Acme-East", "acme-west"}),
        (
            {
                "associated_on_begin": "2026-11-23T03:00:00Z",
                "associated_on_end": "2026-11-23T03:00:00Z",
            },
            {"Acme-East"},
        ),
        ({"association_type": "2"}, {"Acme-East", "acme-west", "Zenith_1"}),
        ({"association_type": "1"}, set()),
        ({"customer_id": "nobody"}, set()),
    ],
)
async def test_a_filter_finds_what_it_says(
    door: CustomerDoor, clock: StandingClock, filters: dict[str, Any], found: set[str]
) -> None:
    await _known(door, clock)
    assert await door.names(**filters) == found


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"associated_on_begin": ""}, "CBC.0100"),
        ({"associated_on_end": ""}, "CBC.0100"),
        ({"associated_on_begin": "2026-11-23 03:00:00"}, "CBC.0100"),
        ({"limit": 0}, "CBC.0100"),
        ({"limit": 101}, "CBC.0100"),
        ({"offset": -1}, "CBC.0100"),
        ({"offset": 40000001}, "CBC.0100"),
        ({"limit": "10"}, "CBC.0100"),
        ({"limit": True}, "CBC.0100"),
        ({"account_name": "a b"}, "CBC.0100"),
        ({"label": " "}, "CBC.0100"),
        ({"account_name": "a" * 129}, "CBC.0100"),
        ({"association_type": "8"}, "CBC.0101"),
    ],
)
async def test_a_filter_against_its_rule_is_refused(
    door: CustomerDoor, fields: dict[str, Any], expected: str
) -> None:
    answer = await door.post(LIST, fields)
    assert code_of(answer) == (400, expected)
    assert next(iter(fields)) in answer.json()["error_msg"]


async def test_no_bytes_ask_for_the_first_ten(door: CustomerDoor) -> None:
    for _ in range(11):
        await door.create()
    page = (await door.post(LIST, None)).json()
    assert (len(page["customer_infos"]), page["count"]) == (10, 11)


async def test_offset_counts_records_and_the_newest_come_first(
    door: CustomerDoor, clock: StandingClock
) -> None:
    made = []
    for _ in range(10):
        made.append(await door.create())
        clock.forward(seconds=1)
    page = await door.listed(offset=1, limit=10)
    assert [row["customer_id"] for row in page["customer_infos"]] == made[::-1][1:]
    assert page["count"] == 10
    assert (await door.listed(offset=40000000))["customer_infos"] == []


async def test_everybody_sees_its_own_and_a_distributor_its_resellers_by_name_only(
    door: CustomerDoor,
) -> None:
    mine = await door.create()
    of_reseller = await door.create(DISTRIBUTOR, indirect_partner_id="res1")

    async def ids(by: Any, **fields: Any) -> list[str]:
        return [row["customer_id"] for row in (await door.listed(by, **fields))["customer_infos"]]

    assert await ids(SELLER) == [mine]
    assert await ids(SELLER, indirect_partner_id="res1") == [mine]
    assert await ids(SELLER, customer_id=of_reseller) == []
    assert await ids(OTHER_SELLER) == []
    assert await ids(DISTRIBUTOR) == []
    assert await ids(DISTRIBUTOR, indirect_partner_id="res1") == [of_reseller]
    assert await ids(DISTRIBUTOR, indirect_partner_id="res2") == []
    assert code_of(await door.post(LIST, {}, RESELLER)) == (403, "CBC.0151")
    stranger = await door.post(LIST, {"indirect_partner_id": "res1"}, OTHER_DISTRIBUTOR)
    assert stranger.json()["error_code"] == "CBC.99000037"
    customer = replace(SELLER, id=mine, kind="customer")
    assert code_of(await door.post(LIST, {}, customer)) == (403, "CBC.0151")


async def test_the_view_of_searches_shows_a_request_its_own_tenant_only(
    door: CustomerDoor, database: Database
) -> None:
    await door.create()
    counted = text("SELECT count(*) FROM visible_customers")
    async with database.transaction_as(SELLER) as session:
        assert await session.scalar(counted) == 1
    async with database.transaction_as(OTHER_SELLER) as session:
        assert await session.scalar(counted) == 0
    async with database.transaction_as(ADMINISTRATOR) as session:
        assert await session.scalar(counted) == 1


async def test_an_unlinked_customer_is_listed_no_more_and_counters_follow(
    door: CustomerDoor,
) -> None:
    one, two = await door.create(), await door.create(cooperation_type="1")
    await door.unlink(one)
    page = await door.listed()
    assert [row["customer_id"] for row in page["customer_infos"]] == [two]
    assert page["count"] == 1
    assert (await door.listed(association_type="2"))["count"] == 0
    assert (await door.listed(association_type="1"))["count"] == 1


async def test_counters_are_exact_after_many_creates_at_once(door: CustomerDoor) -> None:
    await asyncio.gather(*(door.create() for _ in range(20)))
    assert (await door.listed())["count"] == 20


async def test_a_search_by_two_characters_uses_the_index_of_pairs(
    door: CustomerDoor, database: Database
) -> None:
    await door.create()
    fill = text(
        "INSERT INTO customers (id, partner_id, site, currency, account_name, customer_name,"
        " association_type, association_status, associated_on, customer_type, verified_status,"
        " is_frozen, closes_market_messages, mirrored, registered_at, version)"
        " SELECT 'x' || n, 'sp1', 'china', 'CNY', 'user' || n, chr(19968 + n % 500) ||"
        " chr(20468 + n / 500) || '公司', '2', 'associated', now(), 1, '2', 0, false, true,"
        " now(), 1 FROM generate_series(1, 20000) AS n"
    )
    async with database.transaction() as session:
        await session.execute(fill)
    async with database.engine.connect() as connection:
        alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
        # Until a vacuum, an inverted index keeps a list of what is new; each search reads it all.
        await alone.execute(text("VACUUM ANALYZE customers"))
    plan = text(
        "EXPLAIN SELECT id FROM visible_customers WHERE partner_id = 'sp1'"
        " AND association_status = 'associated'"
        " AND grams @> search_grams('c', lower('一俴'), ARRAY[2])"
        " AND strpos(lower(customer_name), '一俴') > 0"
    )
    async with database.transaction_as(SELLER) as session:
        told = "\n".join((await session.scalars(plan)).all())
    assert "customers_grams" in told
    assert await door.names(customer=chr(19968) + chr(20468 + 1)) == {"user500"}


async def test_deep_pages_are_slices_of_the_whole_list(
    door: CustomerDoor, clock: StandingClock, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(12):
        await door.create()
        clock.forward(seconds=number % 2)  # two of a second, by their ids
    some = text("UPDATE customers SET association_type = '1' WHERE ascii(right(id, 1)) % 2 = 0")
    async with database.transaction() as session:
        await session.execute(some)
    asked: list[dict[str, Any]] = [
        {},
        {"association_type": "2"},
        {"associated_on_begin": "2020-01-01T00:00:00Z"},
    ]
    for filters in asked:
        monkeypatch.setattr(list_sub_customers, "_DEEP_OFFSET", 1_000)
        whole = await door.listed(limit=100, **filters)
        monkeypatch.setattr(list_sub_customers, "_DEEP_OFFSET", 1)
        for offset in range(len(whole["customer_infos"]) + 1):
            page = await door.listed(offset=offset, limit=3, **filters)
            assert page["customer_infos"] == whole["customer_infos"][offset : offset + 3]
            assert page["count"] == whole["count"]


async def test_who_comes_before_a_deep_page_is_skipped_in_the_index_alone(
    door: CustomerDoor, database: Database
) -> None:
    await door.create()
    fill = text(
        "INSERT INTO customers (id, partner_id, site, currency, account_name, customer_name,"
        " association_type, association_status, associated_on, customer_type, verified_status,"
        " is_frozen, closes_market_messages, mirrored, registered_at, version)"
        " SELECT 'x' || n, 'sp1', 'china', 'CNY', 'user' || n, 'name', '2', 'associated', now(),"
        " 1, '2', 0, false, true, now(), 1 FROM generate_series(1, 5000) AS n"
    )
    async with database.transaction() as session:
        await session.execute(fill)
    async with database.engine.connect() as connection:
        alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await alone.execute(text("VACUUM ANALYZE customers"))
    plans: list[str] = []
    async with database.read_as(SELLER) as reader:

        class Explained:
            async def fetch(self, statement: str, *values: Any) -> list[Any]:
                told = await reader.fetch(f"EXPLAIN {statement}", *values)
                plans.append("\n".join(row[0] for row in told))
                return []

        wanted = list_sub_customers.ListSubCustomers(association_type="2", offset=1_000)
        where = list_sub_customers._conditions("sp1", wanted)
        await list_sub_customers._page(Explained(), wanted, where)
    assert "Index Only Scan using customers_of_partner" in plans[0], plans[0]


@pytest.mark.parametrize(("by", "own", "other"), [(SELLER, "2", "3"), (ABROAD, "3", "2")])
async def test_the_types_of_an_association_are_those_of_the_callers_site(
    door: CustomerDoor, by: Principal, own: str, other: str
) -> None:
    """What a list shows can be asked for; the other site's resale is no such value."""
    for kind in ("1", own):
        assert (await door.post(LIST, {"association_type": kind}, by)).status_code == 200
    refused = await door.post(LIST, {"association_type": other}, by)
    assert (refused.status_code, refused.json()["error_code"]) == (400, "CBC.0101")
