"""Label and account manager, verification, unlinking: the native commands on a customer."""

from decimal import Decimal
from typing import Any

import pytest

from chassis.database import Database
from contracts.billing import BillingArrearsOpened
from customer_sync.copies import Arrears
from testkit import outbox
from testkit.door import ADMINISTRATOR, code_of
from tests.customer_sync.builders import (
    DISTRIBUTOR,
    NOW,
    RESELLER,
    SELLER,
    CustomerDoor,
    hear,
)

MANAGER = {"id": "m1", "name": "李雷"}


def _manager(customer: dict[str, Any]) -> dict[str, Any]:
    return {"id": customer["account_manager_id"], "name": customer["account_manager_name"]}


async def _patch(
    door: CustomerDoor, customer: str, body: Any, by: Any = SELLER, **headers: str
) -> Any:
    return await door.patch(f"/api/customers/{customer}", body, by, headers=headers)


async def test_label_and_manager_change_and_are_stated_with_the_new_version(
    door: CustomerDoor,
) -> None:
    customer = await door.create()
    answer = await _patch(
        door, customer, {"label": "重点", "account_manager": MANAGER}, **{"If-Match": '"2"'}
    )
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"3"')
    assert (answer.json()["label"], _manager(answer.json())) == ("重点", MANAGER)
    kind, body = (await outbox.stated(door.database))[-1]
    assert (kind, body["version"], body["label"]) == ("customer.updated", 3, "重点")
    assert (body["account_manager_id"], body["account_manager_name"]) == ("m1", "李雷")


async def test_what_is_absent_stays_and_what_is_null_goes(door: CustomerDoor) -> None:
    customer = await door.create()
    await _patch(door, customer, {"label": "重点", "account_manager": MANAGER})
    answer = (await _patch(door, customer, {"label": None})).json()
    assert (answer["label"], _manager(answer)) == (None, MANAGER)


async def test_a_change_to_what_it_is_already_states_nothing(door: CustomerDoor) -> None:
    customer = await door.create()
    await _patch(door, customer, {"label": "a"})
    before = await door.written()
    answer = await _patch(door, customer, {"label": "a"})
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"3"')
    assert await door.written() == before


async def test_another_version_is_refused_and_nothing_is_written(door: CustomerDoor) -> None:
    customer = await door.create()
    before = await door.written()
    stale = await _patch(door, customer, {"label": "a"}, **{"If-Match": '"1"'})
    assert code_of(stale) == (412, "CHB.0412")
    assert stale.headers["Content-Type"] == "application/problem+json"
    wrong = await _patch(door, customer, {"label": "a"}, **{"If-Match": "W/x"})
    assert code_of(wrong) == (400, "CBC.0100")
    assert await door.written() == before


@pytest.mark.parametrize(
    "body",
    [
        {"label": "a" * 65},
        {"label": 7},
        {"account_manager": {"id": "m1"}},
        {"account_manager": "m1"},
        {"association_type": "1"},
        [],
    ],
)
async def test_a_malformed_change_is_refused(door: CustomerDoor, body: Any) -> None:
    customer = await door.create()
    assert code_of(await _patch(door, customer, body)) == (400, "CBC.0100")


async def test_the_reseller_and_the_distributor_above_it_may_change_and_nobody_else(
    door: CustomerDoor,
) -> None:
    customer = await door.create(DISTRIBUTOR, indirect_partner_id="res1")
    assert (await _patch(door, customer, {"label": "a"}, RESELLER)).status_code == 200
    assert (await _patch(door, customer, {"label": "b"}, DISTRIBUTOR)).status_code == 200
    before = await door.written()
    assert code_of(await _patch(door, customer, {"label": "c"}, SELLER)) == (404, "CHB.0404")
    assert code_of(await _patch(door, "nobody", {"label": "c"}, SELLER)) == (404, "CHB.0404")
    admin = await _patch(door, customer, {"label": "c"}, ADMINISTRATOR)
    assert code_of(admin) == (403, "CBC.0151")
    assert await door.written() == before


async def test_a_verified_name_comes_from_the_administrator_only(door: CustomerDoor) -> None:
    customer = await door.create()
    body = {"customer_name": "华夏科技", "customer_type": 1}
    path = f"/api/customers/{customer}/verification"
    assert code_of(await door.post(path, body)) == (403, "CBC.0151")
    assert (await door.post(path, body, ADMINISTRATOR)).json()["verified_status"] == "2"
    wrong = body | {"customer_type": 2}
    assert code_of(await door.post(path, wrong, ADMINISTRATOR))[0] == 400


def _owes(customer: str, amount: str, version: int) -> BillingArrearsOpened:
    return BillingArrearsOpened(
        occurred_at=NOW,
        partner_id="sp1",
        version=version,
        customer_id=customer,
        currency="CNY",
        debt_amount=Decimal(amount),
    )


async def test_events_that_come_twice_or_late_leave_the_newest_debt(
    database: Database,
) -> None:
    await hear(database, _owes("c1", "5.00", 2), _owes("c1", "5.00", 2), _owes("c1", "9.00", 1))
    async with database.transaction() as session:
        assert (await session.get_one(Arrears, "c1")).debt_amount == Decimal("5.00")
