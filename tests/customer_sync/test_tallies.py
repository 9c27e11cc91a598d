"""Counts without counting: what triggers append and a schedule sums up is what there is."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text

from chassis.database import Database
from customer_sync.search import count_customers
from customer_sync.search.count_customers import FILL_TALLIES, merge_tallies
from customer_sync.settings import CustomerSyncSettings
from testkit.clock import StandingClock
from testkit.door import ADMINISTRATOR
from tests.customer_sync.builders import (
    DISTRIBUTOR,
    NOW,
    OTHER_SELLER,
    SELLER,
    CustomerDoor,
)

_KEPT = text("""
    SELECT partner_id, counted, sum(n)::int FROM (
        SELECT partner_id, counted, customers AS n FROM tallies
        UNION ALL SELECT partner_id, unnest(grams || ARRAY['n', 't' || association_type,
            'd' || associated_day::text || '/' || association_type]), by FROM tally_changes
    ) AS kept GROUP BY 1, 2 HAVING sum(n) <> 0 ORDER BY 1, 2
""")
_ANEW = text(
    FILL_TALLIES[FILL_TALLIES.index("SELECT") :].replace("count(*)", "count(*)::int")
    + " ORDER BY 1, 3"
)


async def kept(database: Database) -> list[tuple[str, str, int]]:
    """What the tallies say."""
    async with database.transaction() as session:
        return [tuple(row) for row in await session.execute(_KEPT)]


async def counted_anew(database: Database) -> list[tuple[str, str, int]]:
    """What the table says."""
    async with database.transaction() as session:
        return [(row[0], row[2], row[3]) for row in await session.execute(_ANEW)]


async def waiting(database: Database) -> int:
    """Changes that nobody has summed up."""
    async with database.transaction() as session:
        return await session.scalar(text("SELECT count(*) FROM tally_changes")) or 0


async def _live(door: CustomerDoor, clock: StandingClock, database: Database) -> None:
    """Every kind of change that moves a tally."""
    one, two = await door.create(domain_name="Alpha"), await door.create(cooperation_type="1")
    clock.forward(days=1)
    await door.create(DISTRIBUTOR, indirect_partner_id="res1")
    three = await door.create(domain_name="alphabet")
    for label in ("华东", "华东重点", ""):
        await door.patch(f"/api/customers/{three}", {"label": label}, SELLER)
    named = {"customer_name": "深圳科技", "customer_type": 1}
    verified = await door.post(f"/api/customers/{three}/verification", named, ADMINISTRATOR)
    assert verified.status_code == 200
    async with database.transaction() as session:
        unlink = text("UPDATE customers SET association_status = 'unlinked' WHERE id = ANY(:ids)")
        await session.execute(unlink, {"ids": [one, two]})
        switch = text("UPDATE customers SET association_type = '1' WHERE id = :id")
        await session.execute(switch, {"id": three})
    assert (await door.listed(customer_id=one))["count"] == 0


async def test_tallies_are_what_the_table_says_before_and_after_they_are_summed_up(
    door: CustomerDoor, clock: StandingClock, database: Database
) -> None:
    await _live(door, clock, database)
    there = await counted_anew(database)
    assert ("sp1", "t1", 1) in there
    assert ("sp1", "c深圳", 1) in there
    assert not any(counted.startswith("l") for _, counted, _ in there)
    assert await kept(database) == there
    assert await waiting(database) > 0
    await merge_tallies(database, NOW)
    assert await waiting(database) == 0
    assert await kept(database) == there
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM customers WHERE partner_id = 'sp1'"))
    assert await kept(database) == await counted_anew(database)


async def test_replicas_sum_up_side_by_side_and_nothing_counts_twice(
    door: CustomerDoor, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(count_customers, "_MERGE_ROWS_MAX", 7)
    await asyncio.gather(*(door.create() for _ in range(12)))
    there = await counted_anew(database)
    await asyncio.gather(*(merge_tallies(database, NOW) for _ in range(4)))
    assert await kept(database) == there


async def test_a_request_sees_the_tallies_of_its_tenant_only(
    door: CustomerDoor, database: Database
) -> None:
    await door.create()
    await merge_tallies(database, NOW)
    await door.create()
    for table in ("tallies", "tally_changes"):
        seen = text(f"SELECT count(*) FROM {table} WHERE partner_id = 'sp1'")
        async with database.transaction_as(OTHER_SELLER) as session:
            assert await session.scalar(seen) == 0
        async with database.transaction_as(SELLER) as session:
            assert (await session.scalar(seen) or 0) > 0


async def test_a_reader_sees_its_tenant_alone_and_writes_nothing(
    door: CustomerDoor, settings: CustomerSyncSettings
) -> None:
    await door.create()
    narrow = Database(settings.model_copy(update={"database_readers_max": 1}), "customer_sync")
    try:
        for who, seen in ((SELLER, 1), (OTHER_SELLER, 0), (ADMINISTRATOR, 1)):
            async with narrow.read_as(who) as connection:  # the same connection each time
                for place in ("customers", "visible_customers"):
                    assert await connection.fetchval(f"SELECT count(*) FROM {place}") == seen
        async with narrow.read_as(SELLER) as connection:
            with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
                await connection.execute("UPDATE customers SET label = 'x'")
        async with narrow.read_as(SELLER) as connection:
            await connection.execute("SET TRANSACTION READ WRITE")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute("DROP TABLE customers")
    finally:
        await narrow.close()


async def test_a_distributor_is_told_the_counts_of_its_reseller(
    door: CustomerDoor, database: Database
) -> None:
    """Of what was summed up and of what was not; the page is full, so that it is counted."""
    for number in (1, 2, 3):
        await door.create(DISTRIBUTOR, indirect_partner_id="res1", domain_name=f"shop_{number}")
        if number == 2:
            await merge_tallies(database, NOW)
    for fields in ({}, {"association_type": "2"}, {"associated_on_end": "2030-01-01T00:00:00Z"}):
        told: dict[str, Any] = {"indirect_partner_id": "res1", "limit": 1, **fields}
        assert (await door.listed(DISTRIBUTOR, **told))["count"] == 3, fields


DAY = timedelta(days=1)
FIRST = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        (FIRST, None),
        (None, FIRST + 9 * DAY),
        (FIRST, FIRST + 5 * DAY),
        (FIRST + timedelta(hours=7), FIRST + 5 * DAY + timedelta(hours=13)),
        (FIRST + timedelta(hours=7), FIRST + timedelta(hours=8)),
        (FIRST + timedelta(hours=7), FIRST + DAY - timedelta(seconds=1)),
        (FIRST + 2 * DAY, FIRST + 3 * DAY - timedelta(seconds=1)),
        (FIRST + 2 * DAY, FIRST + 2 * DAY),
        (FIRST + timedelta(seconds=1), None),
        (None, FIRST - timedelta(seconds=1)),
        (FIRST + 5 * DAY, FIRST),
    ],
)
async def test_a_window_is_counted_by_whole_days_and_its_ends_to_the_second(
    door: CustomerDoor, database: Database, begin: datetime | None, end: datetime | None
) -> None:
    fill = text(
        "INSERT INTO customers (id, partner_id, site, currency, account_name, association_type,"
        " association_status, associated_on, customer_type, verified_status, is_frozen,"
        " closes_market_messages, mirrored, registered_at, version)"
        " SELECT 'x' || n, 'sp1', 'china', 'CNY', 'user' || n, (1 + n % 2)::text, 'associated',"
        " cast(:first AS timestamptz) + n * interval '1 hour', 1, '2', 0, false, true, now(), 1"
        " FROM generate_series(0, 239) AS n"
    )
    async with database.transaction() as session:
        await session.execute(fill, {"first": FIRST})
    fields: dict[str, Any] = {}
    if begin is not None:
        fields["associated_on_begin"] = f"{begin:%Y-%m-%dT%H:%M:%SZ}"
    if end is not None:
        fields["associated_on_end"] = f"{end:%Y-%m-%dT%H:%M:%SZ}"
    hours = [FIRST + timedelta(hours=n) for n in range(240)]
    within = [(begin or FIRST) <= at <= (end or hours[-1]) for at in hours]
    assert (await door.listed(limit=1, **fields))["count"] == sum(within)
    ones = sum(within[1::2])  # the odd hours are of the other type
    assert (await door.listed(limit=1, association_type="2", **fields))["count"] == ones


async def test_a_frequent_text_is_found_from_the_newest_on_and_counted_by_its_tally(
    door: CustomerDoor, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("customer_sync.search.list_sub_customers._RARE_MAX", 5)
    monkeypatch.setattr("customer_sync.search.list_sub_customers._WALK_ROWS_MAX", 8)
    fill = text(
        "INSERT INTO customers (id, partner_id, site, currency, account_name, customer_name,"
        " association_type, association_status, associated_on, customer_type, verified_status,"
        " is_frozen, closes_market_messages, mirrored, registered_at, version)"
        " SELECT 'x' || n, 'sp1', 'china', 'CNY', 'User' || n, CASE WHEN n % 2 = 0 THEN '深圳'"
        " ELSE '上海' END, '2', 'associated', cast(:first AS timestamptz) + n * interval '1 s', 1,"
        " '2', 0, false, true, now(), 1 FROM generate_series(1, 20) AS n"
    )
    async with database.transaction() as session:
        await session.execute(fill, {"first": FIRST})

    async def found(**fields: Any) -> tuple[list[str], int]:
        page = await door.listed(**fields)
        return [row["customer_id"] for row in page["customer_infos"]], page["count"]

    assert await found(customer="深圳", limit=3) == (["x20", "x18", "x16"], 10)
    # The walk ends before the page is full: all matches are looked at instead.
    assert await found(customer="深圳", limit=8) == ([f"x{n}" for n in range(20, 4, -2)], 10)
    assert await found(customer="深圳", limit=3, offset=8) == (["x4", "x2"], 10)
    assert await found(account_name="R2", limit=2) == (["x20", "x2"], 2)
    assert await found(account_name="ER", limit=2) == (["x20", "x19"], 20)


async def test_a_window_may_end_with_time_itself(door: CustomerDoor) -> None:
    for _ in range(2):
        await door.create()
    for fields, found in (
        ({"associated_on_end": "9999-12-31T23:59:59Z"}, 2),
        ({"associated_on_begin": "1000-01-01T00:00:00Z"}, 2),
        ({"associated_on_begin": "9999-12-31T00:00:01Z", "offset": 1}, 0),
        ({"associated_on_end": "1000-01-01T00:00:00Z", "offset": 1}, 0),
    ):
        assert (await door.listed(limit=1, **fields))["count"] == found, fields
