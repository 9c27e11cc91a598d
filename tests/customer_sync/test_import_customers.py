"""Many customers at once, and many verified names: all or none."""

from typing import Any

from testkit import outbox
from testkit.door import ADMINISTRATOR
from tests.customer_sync.builders import (
    DISTRIBUTOR,
    LIST,
    OTHER_SELLER,
    SELLER,
    CustomerDoor,
)

IMPORT, VERIFY = "/api/customers", "/api/customers/verifications"
MANAGER = {"id": "m1", "name": "李雷"}


def _customer(number: int, **more: Any) -> dict[str, Any]:
    return {
        "xaccount_id": f"x{number}",
        "xaccount_type": "CRM",
        "domain_name": f"imported-{number}",
        **more,
    }


async def test_each_is_registered_and_associated_with_label_and_manager(door: CustomerDoor) -> None:
    wanted = [_customer(1, label="重点", account_manager=MANAGER), _customer(2)]
    answer = await door.post(IMPORT, {"customers": wanted}, SELLER)
    assert answer.status_code == 201, answer.text
    first, second = answer.json()["customers"]
    assert (first["account_name"], first["label"]) == ("imported-1", "重点")
    assert (first["account_manager_id"], first["account_manager_name"]) == (
        MANAGER["id"],
        MANAGER["name"],
    )
    assert second["account_manager_id"] is None
    assert second["association_status"] == "associated"
    stated = [
        (kind, body["account_name"], body["label"])
        for kind, body in await outbox.stated(door.database)
    ]
    assert stated == [
        ("customer.registered", "imported-1", "重点"),
        ("customer.associated", "imported-1", "重点"),
        ("customer.registered", "imported-2", None),
        ("customer.associated", "imported-2", None),
    ]


async def test_they_are_counted_and_listed(door: CustomerDoor) -> None:
    wanted = [_customer(number) for number in range(100)]
    await door.post(IMPORT, {"customers": wanted}, SELLER)
    listed = (await door.post(LIST, {}, SELLER)).json()
    assert listed["count"] == 100


async def test_one_that_cannot_be_made_lets_none_be_made(door: CustomerDoor) -> None:
    before = await door.written()
    wanted = [_customer(1), _customer(2, domain_name="imported-1")]
    answer = await door.post(IMPORT, {"customers": wanted}, SELLER)
    assert (answer.status_code, answer.json()["code"]) == (400, "CBC.99000038")
    assert await door.written() == before


async def test_more_than_a_hundred_and_a_phone_without_code_are_refused(door: CustomerDoor) -> None:
    before = await door.written()
    many = [_customer(number) for number in range(101)]
    for wanted in (many, [_customer(1, mobile_phone="13800000000")], [_customer(1, label=7)]):
        answer = await door.post(IMPORT, {"customers": wanted}, SELLER)
        assert (answer.status_code, answer.json()["code"]) == (400, "CBC.0100")
    assert await door.written() == before


async def test_a_distributor_brings_customers_for_its_reseller_alone(door: CustomerDoor) -> None:
    for_itself = await door.post(IMPORT, {"customers": [_customer(1)]}, DISTRIBUTOR)
    assert for_itself.json()["code"] == "CBC.50010059"
    told = {"customers": [_customer(1)], "indirect_partner_id": "res1"}
    answer = await door.post(IMPORT, told, DISTRIBUTOR)
    assert answer.json()["customers"][0]["partner_id"] == "res1"


async def test_many_names_are_verified_at_once(door: CustomerDoor) -> None:
    customers = [await door.create() for _ in range(3)]
    told = [
        {"customer_id": customer, "customer_name": f"云帆科技{number}", "customer_type": 1}
        for number, customer in enumerate(customers)
    ]
    answer = await door.post(VERIFY, {"verifications": told}, ADMINISTRATOR)
    assert answer.status_code == 200, answer.text
    named = {one["customer_id"]: one for one in answer.json()["customers"]}
    assert [named[customer]["customer_name"] for customer in customers] == [
        "云帆科技0",
        "云帆科技1",
        "云帆科技2",
    ]
    assert {one["verified_status"] for one in named.values()} == {"2"}
    assert [kind for kind, _ in (await outbox.stated(door.database))[-3:]] == [
        "customer.verified"
    ] * 3


async def test_a_name_of_nobody_or_twice_or_by_a_partner_is_refused(door: CustomerDoor) -> None:
    customer = await door.create()
    one = {"customer_id": customer, "customer_name": "云帆科技", "customer_type": 1}
    before = await door.written()
    nobody = {**one, "customer_id": "nobody"}
    answer = await door.post(VERIFY, {"verifications": [one, nobody]}, ADMINISTRATOR)
    assert (answer.status_code, answer.json()["code"]) == (404, "CHB.0404")
    answer = await door.post(VERIFY, {"verifications": [one, one]}, ADMINISTRATOR)
    assert (answer.status_code, answer.json()["code"]) == (400, "CBC.0100")
    for partner in (SELLER, OTHER_SELLER):
        answer = await door.post(VERIFY, {"verifications": [one]}, partner)
        assert (answer.status_code, answer.json()["code"]) == (403, "CBC.0151")
    assert await door.written() == before
