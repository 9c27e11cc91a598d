"""Granting, listing and ending discounts, and what an order is offered of them."""

from datetime import timedelta
from typing import Any

import pytest

from billing.discounts.restate_discounts import DISCOUNTS
from chassis.database import Database
from chassis.identity import Principal
from testkit.audit import deeds
from testkit.door import ADMINISTRATOR, code_of
from testkit.outbox import bodies, types
from tests.billing.builders import (
    CUSTOMER,
    NOW,
    OTHER_CUSTOMER,
    OTHER_PARTNER,
    REFERRAL,
    RESELLERS_CUSTOMER,
    BillingDoor,
    as_customer,
    as_partner,
)

pytestmark = pytest.mark.postgres

PATH = "/api/discounts"
SERVER = {
    "service_type_code": "hws.service.type.ec2", "resource_type_code": "hws.resource.type.vm",
    "resource_spec_code": "s6.small.1.linux", "region_code": "cn-north-4",
    "charging_mode": 1, "period_type": 2, "period_num": 1,
}  # fmt: skip


def wanted(**more: Any) -> dict[str, Any]:
    """Ten percent off, by the partner."""
    return {
        "customer_id": CUSTOMER, "discount_type": 3, "discount_mode": 0,
        "discount_value": "0.9", "name": "regular", **more,
    }  # fmt: skip


async def grant(door: BillingDoor, by: Principal | None = None, **more: Any) -> dict[str, Any]:
    answer = await door.post(PATH, wanted(**more), by or as_partner())
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def offered(door: BillingDoor, *lines: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    body = {"customer_id": CUSTOMER, "lines": list(lines) or [SERVER], **more}
    answer = await door.post("/internal/quotes", body, as_partner())
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["discounts"]
    return found


async def test_a_partner_grants_its_customer_and_it_is_stated_and_audited(
    door: BillingDoor, database: Database
) -> None:
    made = await grant(door, service_type_codes=["hws.service.type.ec2"], order_types=[1, 2])
    assert made["discount_value"] == "0.9"
    assert made["effective_at"] == NOW.isoformat().replace("+00:00", "Z")
    assert made["expire_at"] is None
    (fact,) = await bodies(database, "billing.discount_granted")
    assert fact["discount_id"] == made["discount_id"]
    assert (fact["discount_type"], fact["discount_value"]) == (3, "0.9")
    assert fact["order_types"] == [1, 2]
    assert "discount.grant" in str(await deeds(database))


@pytest.mark.parametrize(("kind", "by"), [(3, ADMINISTRATOR), (0, as_partner()), (2, as_partner())])
async def test_each_grants_its_own_kinds_only(
    door: BillingDoor, database: Database, kind: int, by: Principal
) -> None:
    answer = await door.post(PATH, wanted(discount_type=kind), by)
    assert code_of(answer) == (403, "CBC.0155")
    assert await types(database) == []


@pytest.mark.parametrize(
    ("customer_id", "by", "code"),
    [
        ("nobody", as_partner(), "CBC.99000035"),
        (CUSTOMER, as_partner(OTHER_PARTNER), "CBC.99000035"),
        (REFERRAL, as_partner(), "CBC.5023"),
        (RESELLERS_CUSTOMER, as_partner("distributor", "distributor"), "CBC.99000035"),
    ],
)
async def test_only_its_own_resale_customers(
    door: BillingDoor, database: Database, customer_id: str, by: Principal, code: str
) -> None:
    answer = await door.post(PATH, wanted(customer_id=customer_id), by)
    assert code_of(answer) == (400, code)
    assert await types(database) == []


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"discount_value": "1"}, "CBC.0100"),
        ({"discount_value": "0"}, "CBC.0100"),
        ({"discount_value": "0.90001"}, "CBC.0100"),
        ({"discount_value": "-1"}, "CBC.0100"),
        ({"discount_mode": 2, "discount_value": "0"}, "CBC.0100"),
        ({"discount_mode": 2, "discount_value": "1.001"}, "CBC.0100"),
        ({"discount_mode": 1, "discount_value": "100000000000"}, "CBC.0100"),
        ({"discount_mode": 4}, "CBC.0101"),
        ({"discount_type": 609}, "CBC.0101"),
        ({"order_types": [4]}, "CBC.0101"),
        ({"service_type_codes": ["nothing"]}, "CBC.0101"),
        ({"product_ids": ["nothing"]}, "CBC.0101"),
        ({"name": ""}, "CBC.0100"),
        ({"unheard": 1}, "CBC.0100"),
        ({"effective_at": "2026-11-25T00:00:00Z", "expire_at": "2026-11-25T00:00:00Z"}, "CBC.0100"),
        ({"effective_at": "2026-11-01T00:00:00Z", "expire_at": "2026-11-23T03:00:00Z"}, "CBC.0100"),
    ],
)
async def test_bad_input_is_refused_and_nothing_is_written(
    door: BillingDoor, database: Database, more: dict[str, Any], code: str
) -> None:
    answer = await door.post(PATH, wanted(**more), as_partner())
    assert code_of(answer) == (400, code), answer.text
    assert await types(database) == []


async def test_granting_again_under_a_key_grants_once(
    door: BillingDoor, database: Database
) -> None:
    first = await door.post(PATH, wanted(), as_partner(), key="once")
    again = await door.post(PATH, wanted(), as_partner(), key="once")
    assert (again.status_code, again.json()) == (201, first.json())
    assert await types(database) == ["billing.discount_granted"]


async def test_an_ended_discount_is_offered_no_more_and_ends_once(
    door: BillingDoor, database: Database
) -> None:
    """Break: leave out `ended_at` in `offer_discounts`."""
    made = await grant(door)
    assert len(await offered(door)) == 1
    path = f"{PATH}/{made['discount_id']}"
    assert code_of(await door.send("DELETE", path, by=ADMINISTRATOR)) == (404, "CHB.0404")
    foreign = await door.send("DELETE", path, by=as_partner(OTHER_PARTNER))
    unknown = await door.send("DELETE", f"{PATH}/unknown", by=as_partner(OTHER_PARTNER))
    assert code_of(foreign) == code_of(unknown) == (404, "CHB.0404")
    assert foreign.json()["detail"] == unknown.json()["detail"]
    assert (await door.send("DELETE", path, by=as_partner())).status_code == 204
    assert code_of(await door.send("DELETE", path, by=as_partner())) == (409, "CHB.0409")
    assert await offered(door) == []
    assert await types(database) == ["billing.discount_granted", "billing.discount_ended"]
    (ended,) = await bodies(database, "billing.discount_ended")
    assert (ended["version"], ended["ended_at"]) == (2, NOW.isoformat().replace("+00:00", "Z"))
    async with database.transaction() as session:
        (again,) = await DISCOUNTS.portion(session, "", 10)
        assert await DISCOUNTS.count(session) == 1
    assert again.model_dump(mode="json") | {"occurred_at": ""} == ended | {"occurred_at": ""}


async def test_lists_are_the_callers_own_in_pages(door: BillingDoor) -> None:
    made = [await grant(door), await grant(door, customer_id=OTHER_CUSTOMER)]
    made.append(await grant(door, ADMINISTRATOR, discount_type=0))
    ids = sorted(one["discount_id"] for one in made)
    first = (await door.get(PATH, as_partner(), query={"limit": 2})).json()
    rest = (await door.get(PATH, as_partner(), query={"limit": 2, "after": first["next"]})).json()
    pages = first["discounts"] + rest["discounts"]
    assert [one["discount_id"] for one in pages] == ids
    assert rest["next"] is None
    query = {"customer_id": CUSTOMER, "discount_type": "0"}
    (promotion,) = (await door.get(PATH, ADMINISTRATOR, query=query)).json()["discounts"]
    assert promotion["discount_id"] == made[2]["discount_id"]
    assert (await door.get(PATH, as_partner(OTHER_PARTNER))).json()["discounts"] == []
    assert (await door.get(PATH, as_customer())).status_code == 403


async def test_an_order_is_offered_what_covers_it_with_its_lines(door: BillingDoor) -> None:
    made = await grant(door)
    (offer,) = await offered(door)
    assert offer["discount_id"] == made["discount_id"]
    assert (offer["discount_type"], offer["discount_mode"], offer["discount_value"]) == (
        3,
        0,
        "0.9",
    )
    assert [(one["line"], one["discount_ratio"]) for one in offer["lines"]] == [(0, "0.9")]


async def test_of_a_change_discounts_are_offered_of_the_difference(door: BillingDoor) -> None:
    """Break: price the line by the catalogue whatever `amount` says."""
    await grant(door, discount_type=3, order_types=[3])
    body = {"customer_id": CUSTOMER, "lines": [SERVER | {"amount": "90.28"}], "order_type": 3}
    answer = (await door.post("/internal/quotes", body, as_partner())).json()
    (line,), (offer,) = answer["lines"], answer["discounts"]
    assert (line["official_amount"], line["discount_amount"]) == ("90.28", "0.00")
    assert [one["discount_amount"] for one in offer["lines"]] == ["9.03"]


async def test_each_order_of_a_batch_is_offered_for_itself(door: BillingDoor) -> None:
    """A reduction is an order's, not a batch's."""
    await grant(door, discount_mode=2, discount_value="1.00")
    offers = await offered(door, SERVER, SERVER | {"order": 1}, SERVER | {"order": 1})
    assert [
        (offer["order"], [(one["line"], one["discount_amount"]) for one in offer["lines"]])
        for offer in offers
    ] == [(0, [(0, "1.00")]), (1, [(1, "0.50"), (2, "0.50")])]


@pytest.mark.parametrize(
    "more",
    [
        {"service_type_codes": ["hws.service.type.ebs"]},
        {"product_ids": ["OFFI-ECS-C7LARGE-L"]},
        {"order_types": [2]},
        {"effective_at": (NOW + timedelta(seconds=1)).isoformat()},
        {"discount_mode": 1, "discount_value": "1000000.00"},
        {"customer_id": OTHER_CUSTOMER},
    ],
)
async def test_what_lowers_nothing_here_is_not_offered(
    door: BillingDoor, more: dict[str, Any]
) -> None:
    await grant(door, **more)
    assert await offered(door) == []
