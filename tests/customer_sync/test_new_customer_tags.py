"""New-customer tags: given by the administrator, read by the partner."""

from typing import Any

import pytest

from testkit.clock import StandingClock
from testkit.door import ADMINISTRATOR, code_of
from tests.customer_sync.builders import (
    DISTRIBUTOR,
    OTHER_DISTRIBUTOR,
    OTHER_SELLER,
    RESELLER,
    SELLER,
    CustomerDoor,
)

TAGS = "/v2/partners/sub-customers/new-customers-tags/batch-query"
TAG = {"tag": "Y", "effective_month": "2026-11", "expire_month": "2026-12"}
pytestmark = pytest.mark.postgres


async def give(door: CustomerDoor, customer: str, **fields: Any) -> Any:
    path = f"/api/customers/{customer}/new-customer-tag"
    return await door.post(path, {**TAG, **fields}, ADMINISTRATOR)


async def verified(door: CustomerDoor, by: Any = SELLER, **fields: Any) -> str:
    customer = await door.create(by, **fields)
    body = {"customer_name": "甲公司", "customer_type": 1}
    answer = await door.post(f"/api/customers/{customer}/verification", body, ADMINISTRATOR)
    assert answer.status_code == 200
    return customer


async def tags(door: CustomerDoor, by: Any = SELLER, **fields: Any) -> list[dict[str, str]]:
    answer = await door.post(TAGS, fields, by)
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, str]] = answer.json()["new_customer_tags"]
    return rows


async def test_a_tag_is_shown_with_its_months_and_becomes_n_after_the_last(
    door: CustomerDoor, clock: StandingClock
) -> None:
    customer = await verified(door)
    assert (await give(door, customer)).status_code == 200
    shown = {
        "customer_id": customer,
        "customer_tag_type": "SMB",
        "new_customer_tag": "Y",
        "effective_time": "2026-11",
        "expire_time": "2026-12",
    }
    assert await tags(door) == [shown]
    clock.now = clock.now.replace(month=12, day=31, hour=15)  # 23:00 in Beijing
    assert await tags(door) == [shown]
    clock.forward(hours=2)
    assert await tags(door) == [shown | {"new_customer_tag": "N"}]


async def test_without_a_verified_name_there_is_no_tag_and_without_a_tag_nothing_is_determined(
    door: CustomerDoor,
) -> None:
    unverified, untagged = await door.create(), await verified(door)
    assert await tags(door, customer_ids=[unverified]) == [{"customer_id": unverified}]
    (row,) = await tags(door, customer_ids=[untagged])
    assert row["new_customer_tag"] == "UNDETERMINED"
    assert "effective_time" not in row
    before = await door.written()
    assert code_of(await give(door, unverified)) == (409, "CHB.0409")
    assert await door.written() == before


async def test_a_newer_tag_takes_the_older_ones_place(door: CustomerDoor) -> None:
    customer = await verified(door)
    await give(door, customer)
    await give(door, customer, tag="N", expire_month="2027-01")
    (row,) = await tags(door)
    assert (row["new_customer_tag"], row["expire_time"]) == ("N", "2027-01")


async def test_pages_have_ten_unless_asked_and_an_empty_list_is_no_filter(
    door: CustomerDoor,
) -> None:
    customers = {await door.create() for _ in range(11)}
    first = await tags(door, customer_ids=[])
    rest = await tags(door, customer_ids=None, offset=10, limit=200)
    assert (len(first), len(rest)) == (10, 1)
    assert {row["customer_id"] for row in first + rest} == customers
    many = await door.post(TAGS, {"customer_ids": ["x"] * 501})
    assert code_of(many) == (400, "CBC.0100")
    assert code_of(await door.post(TAGS, {"limit": 201})) == (400, "CBC.0100")


async def test_only_ones_own_customers_show_and_a_resellers_where_it_is_named(
    door: CustomerDoor,
) -> None:
    mine = await door.create()
    below = await door.create(DISTRIBUTOR, indirect_partner_id="res1")
    gone = await door.create()
    await door.unlink(gone)
    asked = [mine, below, gone]
    assert await tags(door, customer_ids=asked) == [{"customer_id": mine}]
    assert await tags(door, OTHER_SELLER, customer_ids=asked) == []
    assert await tags(door, DISTRIBUTOR, customer_ids=asked) == []
    named = {"indirect_partner_id": "res1"}
    assert await tags(door, DISTRIBUTOR, **named) == [{"customer_id": below}]
    assert code_of(await door.post(TAGS, {}, RESELLER)) == (403, "CBC.0151")
    foreign = await door.post(TAGS, named, OTHER_DISTRIBUTOR)
    assert code_of(foreign) == (400, "CBC.99000037")


async def test_only_the_administrator_tags_and_only_with_months_in_order(
    door: CustomerDoor,
) -> None:
    customer = await verified(door)
    before = await door.written()
    path = f"/api/customers/{customer}/new-customer-tag"
    assert code_of(await door.post(path, TAG, SELLER)) == (403, "CBC.0151")
    assert code_of(await give(door, "nobody")) == (404, "CHB.0404")
    for wrong in ({"expire_month": "2026-10"}, {"tag": "X"}, {"effective_month": "2026-13"}):
        assert (await give(door, customer, **wrong)).status_code == 400
    assert await door.written() == before
