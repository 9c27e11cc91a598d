"""Longer texts that many customers share are counted by tallies, too, and as exactly."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from chassis.database import Database
from chassis.identity import Principal
from customer_sync.search import count_customers, list_sub_customers, tally_frequent_texts
from customer_sync.search.count_customers import merge_tallies
from customer_sync.search.tally_frequent_texts import tally_frequent_texts as look
from testkit.door import ADMINISTRATOR
from tests.customer_sync.builders import (
    DISTRIBUTOR,
    NOW,
    OTHER_SELLER,
    RESELLER,
    SELLER,
    CustomerDoor,
)

FIRST = datetime(2026, 11, 1, tzinfo=UTC)
_KEPT = text(
    "SELECT counted FROM tallies WHERE partner_id = :partner AND counted >= 'A' AND counted < 'M'"
)
_FILL = text("""
    INSERT INTO customers (id, partner_id, distributor_id, site, currency, account_name,
        customer_name, label, association_type, association_status, associated_on, customer_type,
        verified_status, is_frozen, closes_market_messages, mirrored, registered_at, version)
    SELECT :mark || n, :partner, :distributor, 'china', 'CNY', :account || n, :customer, :label,
        '2', 'associated', cast(:first AS timestamptz) + n * interval '1 s', 1, '2', 0, false, true,
        now(), 1
    FROM generate_series(1, :number) AS n
""")


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten customers make a text frequent; the page is walked to from the newest."""
    monkeypatch.setattr(tally_frequent_texts, "_FREQUENT_MIN", 10)
    monkeypatch.setattr(list_sub_customers, "_RARE_MAX", 2)


async def fill(database: Database, number: int, **fields: Any) -> None:
    """Customers of one name and label, a second apart."""
    told = {"partner": "sp1", "distributor": None, "mark": "x", "label": None, "first": FIRST}
    told["account"] = "User_"
    async with database.transaction() as session:
        await session.execute(_FILL, {**told, "number": number, **fields})


async def change(database: Database, statement: str) -> None:
    """Past every use case: only the triggers see it."""
    async with database.transaction() as session:
        await session.execute(text(statement))


async def kept(database: Database, partner: str = "sp1") -> set[str]:
    """The longer texts with a tally."""
    async with database.transaction() as session:
        return set(await session.scalars(_KEPT, {"partner": partner}))


async def count_kept(
    database: Database, value: str, by: Principal = SELLER, field: str = "customer"
) -> int | None:
    """The count as a request would read it, None where the text has no tally."""
    column, mark, fold = list_sub_customers._FUZZY[field]
    async with database.read_as(by) as connection:
        value = await fold(connection, value)
        return await count_customers.count_with_text(connection, by.partner_id, column, mark, value)


async def test_a_longer_text_is_kept_where_it_is_frequent_and_counted_as_its_filter_says(
    door: CustomerDoor, database: Database
) -> None:
    await fill(database, 12, customer="深圳Cloud有限公司", label="Key account")
    await fill(database, 3, customer="北京有限公司", mark="y")
    await look(database, NOW)
    assert {"C有限公司", "Ccloud有限公", "Auser_", "LKey", "Laccount"} <= await kept(database)
    assert not {"C北京有", "Auser_1", "Lkey"} & await kept(database)
    assert not any(len(each) <= 3 or " " in each for each in await kept(database))
    for field, value, number in (
        ("customer", "有限公司", 15),
        ("customer", "CLOUD有", 12),
        ("account_name", "SER_", 15),
        ("label", "Key", 12),
    ):
        assert await count_kept(database, value, field=field) == number, value
        told: dict[str, Any] = {field: value, "limit": 2}
        assert (await door.listed(**told))["count"] == number, value
    assert (await door.listed(label="key"))["count"] == 0
    await fill(database, 1, customer="上海CLOUD有限公司", account="USER_", label="Key", mark="z")
    for _ in range(2):
        assert await count_kept(database, "cloud有") == 13
        assert await count_kept(database, "User_", field="account_name") == 16
        assert await count_kept(database, "Key", field="label") == 13
        await merge_tallies(database, NOW)


async def test_a_frequent_text_has_its_page_from_the_newest_on(
    door: CustomerDoor, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(database, 12, customer="有限公司")
    await look(database, NOW)

    async def search(*_: Any) -> None:
        raise AssertionError("looked at every match")

    monkeypatch.setattr(list_sub_customers, "_search", search)
    for offset, ids in ((0, ["x12", "x11", "x10"]), (5, ["x7", "x6", "x5"])):
        page = await door.listed(customer="有限公司", offset=offset, limit=3)
        assert [row["customer_id"] for row in page["customer_infos"]] == ids
        assert page["count"] == 12
    monkeypatch.undo()
    page = await door.listed(customer="有限公司", offset=11, limit=3)
    assert [row["customer_id"] for row in page["customer_infos"]] == ["x1"]
    assert page["count"] == 12


async def nothing(_database: Database, _now: datetime) -> None:
    """In place of what sums up, as if it came right behind."""


@pytest.mark.parametrize("merged", [False, True])
async def test_every_change_moves_the_count_of_a_frequent_text(
    database: Database, merged: bool
) -> None:
    await fill(database, 12, customer="深圳有限公司")
    await look(database, NOW)
    expected = 12
    for statement, by in (
        ("UPDATE customers SET association_status = 'unlinked' WHERE id IN ('x1', 'x2')", -2),
        ("UPDATE customers SET association_status = 'associated' WHERE id = 'x1'", 1),
        ("UPDATE customers SET customer_name = '深圳公司' WHERE id = 'x3'", -1),
        ("UPDATE customers SET customer_name = '深圳有限' WHERE id = 'x3'", 0),
        ("UPDATE customers SET customer_name = NULL WHERE id = 'x4'", -1),
        ("UPDATE customers SET customer_name = '上海有限公司' WHERE id = 'x3'", 1),
        ("UPDATE customers SET label = 'new', association_type = '1' WHERE id = 'x5'", 0),
        ("UPDATE customers SET partner_id = 'sp2' WHERE id = 'x6'", -1),
        ("DELETE FROM customers WHERE id = 'x7'", -1),
    ):
        await change(database, statement)
        expected += by
        if merged:
            await merge_tallies(database, NOW)
        assert await count_kept(database, "有限公司") == expected, statement


async def test_a_text_may_change_although_its_pairs_stay_the_same(database: Database) -> None:
    await fill(database, 12, customer="abab")
    await look(database, NOW)
    assert await count_kept(database, "baba") is None
    await change(database, "UPDATE customers SET customer_name = 'ababab'")
    await look(database, NOW)
    await change(database, "UPDATE customers SET customer_name = 'abab' WHERE id = 'x1'")
    assert await count_kept(database, "baba") == 11
    assert await count_kept(database, "abab") == 12


async def test_what_waits_to_be_summed_up_counts_once_when_a_text_begins_to_be_kept(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(database, 12, customer="有限公司")
    await merge_tallies(database, NOW)
    await fill(database, 5, customer="有限公司", mark="y")
    await change(database, "DELETE FROM customers WHERE id = 'x1'")
    monkeypatch.setattr(tally_frequent_texts, "merge_tallies", nothing)
    await look(database, NOW)
    assert await count_kept(database, "有限公司") == 16
    await merge_tallies(database, NOW)
    assert await count_kept(database, "有限公司") == 16


async def test_texts_begin_and_end_to_be_kept_while_customers_change_and_replicas_sum_up(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(count_customers, "_MERGE_ROWS_MAX", 3)
    monkeypatch.setattr(tally_frequent_texts, "_TEXTS_AT_ONCE", 2)
    await fill(database, 12, customer="有限公司")
    await merge_tallies(database, NOW)
    forgotten, written = 0, 0

    async def write(mark: str) -> None:
        nonlocal written
        number = 0
        while forgotten < 3 or number < 5:
            await fill(database, 3, customer="有限公司", mark=f"{mark}{number}_")
            await change(database, f"DELETE FROM customers WHERE id = '{mark}{number}_1'")
            number += 1
            written += 2

    async def forget(_database: Database, _now: datetime) -> None:
        nonlocal forgotten
        async with database.transaction() as session:
            await session.execute(count_customers.ALONE)
            gone = text("DELETE FROM tallies WHERE counted = 'C有限公司' RETURNING 1")
            forgotten += len((await session.scalars(gone)).all())

    async def repeat(work: Any) -> None:
        while not done:
            await work(database, NOW)

    done = False
    works = (merge_tallies, merge_tallies, look, look, forget)
    others = [asyncio.create_task(repeat(work)) for work in works]
    async with asyncio.timeout(60):
        await asyncio.gather(*(write(mark) for mark in "abc"))
    done = True
    await asyncio.gather(*others)
    await look(database, NOW)
    for _ in range(2):
        for value in ("有限公司", "有限公", "限公司"):
            assert await count_kept(database, value) == 12 + written, value
        await merge_tallies(database, NOW)


async def test_nobody_sums_up_while_a_text_begins_to_be_kept(database: Database) -> None:
    """Else a merge that does not know the text takes away what its tally waits for."""
    await fill(database, 12, customer="有限公司")
    async with database.transaction() as session:
        await session.execute(count_customers.ALONE)
        merging = asyncio.create_task(merge_tallies(database, NOW))
        done, _ = await asyncio.wait({merging}, timeout=0.5)
        assert not done
    await merging


async def test_rare_texts_are_dropped_and_then_counted_row_by_row(
    door: CustomerDoor, database: Database
) -> None:
    await fill(database, 12, customer="有限公司")
    await look(database, NOW)
    gone = "UPDATE customers SET association_status = 'unlinked' WHERE id IN ({})"
    for ids, stays in (("'x1', 'x2', 'x3', 'x4', 'x5', 'x6', 'x7'", True), ("'x8'", False)):
        await change(database, gone.format(ids))
        await look(database, NOW)
        assert ("C有限公司" in await kept(database)) == stays
    assert await count_kept(database, "有限公司") is None
    assert (await door.listed(customer="有限公司", limit=1))["count"] == 4


async def test_what_a_sample_took_for_frequent_is_kept_only_if_it_is(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(database, 9, customer="北京有限公司")
    await fill(database, 3, customer="有限公司", mark="y")

    async def guess(_session: Any) -> dict[str, list[str]]:
        return {"sp1": ["C北京有", "C有限公司", "C上海有"]}

    monkeypatch.setattr(tally_frequent_texts, "_guess", guess)
    await look(database, NOW)
    assert await kept(database) == {"C有限公司"}


async def test_a_partner_keeps_a_bounded_number_of_texts_the_most_frequent_first(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tally_frequent_texts, "_TEXTS_MAX", 4)
    monkeypatch.setattr(tally_frequent_texts, "_TEXTS_AT_ONCE", 3)
    await fill(database, 10, customer="abcdef", account="u")
    await fill(database, 5, customer="defghi", account="v", mark="y")
    await merge_tallies(database, NOW)
    for _ in range(2):
        await look(database, NOW)
        assert len(await kept(database)) == 4
        assert "Cdef" in await kept(database)


async def test_a_tally_of_a_text_tells_nobody_of_anothers_customers(
    door: CustomerDoor, database: Database
) -> None:
    await fill(database, 12, customer="有限公司")
    await fill(database, 1, customer="有限公司", partner="sp2", mark="y")
    await fill(database, 11, customer="有限公司", partner="res1", distributor="dist1", mark="z")
    await look(database, NOW)
    for partner, mark in (("sp1", "v"), ("sp2", "w")):  # summed up together
        await fill(database, 1, customer="有限公司", partner=partner, mark=mark)
    await merge_tallies(database, NOW)
    assert await kept(database, "sp2") == set()
    for by, number in ((SELLER, 13), (OTHER_SELLER, None), (RESELLER, 11)):
        assert await count_kept(database, "有限公司", by) == number
    # Whoever asks for another's by name finds no row: the policy is the second wall.
    for by, whose, number in (
        (OTHER_SELLER, "sp1", None),
        (DISTRIBUTOR, "sp1", None),
        (DISTRIBUTOR, "res1", 11),
        (ADMINISTRATOR, "sp1", 13),
    ):
        async with database.read_as(by) as connection:
            found = await count_customers.count_with_text(
                connection, whose, "customer_name", "c", "有限公司"
            )
        assert found == number, (by, whose)
    of_reseller = {"indirect_partner_id": "res1", "customer": "有限公司", "limit": 1}
    assert (await door.listed(DISTRIBUTOR, **of_reseller))["count"] == 11
    assert (await door.listed(OTHER_SELLER, customer="有限公司", limit=1))["count"] == 2
