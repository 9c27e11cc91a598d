"""Real-name authentication: apply, review, change, show."""

from typing import Any

import pytest

from chassis.database import Database
from chassis.identity import Principal
from customer_sync.realname.applications import PersonalApplication
from customer_sync.realname.apply_for_verification import (
    SwitchedOffError,
    apply_for_verification,
)
from testkit import outbox
from testkit.door import ADMINISTRATOR, code_of
from tests.customer_sync.builders import (
    ABROAD,
    DISTRIBUTOR,
    NOW,
    OTHER_SELLER,
    SELLER,
    CustomerDoor,
)

AUTHS = "/v2/customers/realname-auths"
PAPERS: dict[str, Any] = {
    "verified_file_url": ["papers/1.jpg", "2.PDF"],
    "verified_number": "A1234567",
    "xaccount_type": "platform",
}
PERSON = {**PAPERS, "identify_type": 0, "verified_type": 3, "name": "李雷", "change_type": -1}
COMPANY = {**PAPERS, "identify_type": 1, "corp_name": "甲公司"}
pytestmark = pytest.mark.postgres


async def apply(door: CustomerDoor, customer: str, by: Principal = SELLER, **fields: Any) -> Any:
    body = {**PERSON, "customer_id": customer, **fields}
    return await door.post(f"{AUTHS}/individual", body, by)


async def apply_company(door: CustomerDoor, customer: str, **fields: Any) -> Any:
    body = {**COMPANY, "customer_id": customer, **fields}
    return await door.post(f"{AUTHS}/enterprise", body)


async def change(door: CustomerDoor, customer: str, **fields: Any) -> Any:
    body = {**COMPANY, "customer_id": customer, "change_type": 1, **fields}
    return await door.put(f"{AUTHS}/enterprise", body, SELLER)


async def decide(door: CustomerDoor, customer: str, decision: str, **fields: Any) -> Any:
    path = f"/api/customers/{customer}/realname-review"
    return await door.post(path, {"decision": decision, **fields}, ADMINISTRATOR)


async def result(door: CustomerDoor, customer: str, by: Principal = SELLER) -> Any:
    return await door.get(f"{AUTHS}/result?customer_id={customer}", by)


async def status(door: CustomerDoor, customer: str) -> Any:
    who = Principal(id=customer, kind="customer", partner_id="sp1")
    return (await door.get("/v2/customers/real-name-auth-status", who)).json()


async def person(door: CustomerDoor) -> str:
    customer = await door.create()
    assert (await apply(door, customer)).json() == {"is_review": 1}
    assert (await decide(door, customer, "approve")).status_code == 200
    return customer


async def test_a_person_applies_is_reviewed_and_verified(door: CustomerDoor) -> None:
    customer = await door.create()
    assert (await result(door, customer)).json() == {}
    assert await status(door, customer) == {"verified_status": -1}
    assert (await apply(door, customer)).json() == {"is_review": 1}
    kind, body = (await outbox.stated(door.database))[-1]
    assert (kind, body["verified_status"], body["customer_name"]) == ("customer.updated", "0", None)
    assert (await result(door, customer)).json() == {"review_result": 0}
    assert await status(door, customer) == {"verified_status": 0, "verified_type": 0}
    assert (await decide(door, customer, "approve")).json()["verified_status"] == "2"
    kind, body = (await outbox.stated(door.database))[-1]
    assert (kind, body["verified_status"], body["customer_name"]) == (
        "customer.verified",
        "2",
        "李雷",
    )
    assert (await result(door, customer)).json() == {"review_result": 2}
    assert await status(door, customer) == {"verified_status": 2, "verified_type": 0}


async def test_who_is_refused_reads_why_and_may_apply_again_as_something_else(
    door: CustomerDoor,
) -> None:
    customer = await door.create()
    await apply(door, customer)
    await decide(door, customer, "refuse", opinion="照片不清")
    assert (await result(door, customer)).json() == {"review_result": 1, "opinion": "照片不清"}
    assert await status(door, customer) == {"verified_status": 1, "verified_type": 0}
    assert (await apply_company(door, customer)).status_code == 200
    await decide(door, customer, "approve")
    assert await status(door, customer) == {"verified_status": 2, "verified_type": 1}
    (row,) = (await door.listed())["customer_infos"]
    assert (row["customer"], row["customer_type"], row["verified_status"]) == ("甲公司", 1, "2")


async def test_one_in_review_or_verified_does_not_apply_again(door: CustomerDoor) -> None:
    customer = await door.create()
    await apply(door, customer)
    before = await door.written()
    assert code_of(await apply(door, customer)) == (400, "CBC.99007188")
    assert code_of(await apply_company(door, customer)) == (400, "CBC.99007188")
    assert await door.written() == before
    await decide(door, customer, "approve")
    before = await door.written()
    assert code_of(await apply(door, customer)) == (400, "CBC.99007188")
    assert code_of(await decide(door, customer, "refuse")) == (409, "CHB.0409")
    assert await door.written() == before


async def test_a_verified_person_stays_one_until_the_change_passes(door: CustomerDoor) -> None:
    customer = await person(door)
    assert (await change(door, customer)).json() == {"is_review": 1}
    before = await door.written()
    assert (await change(door, customer)).json() == {"is_review": 1}
    assert await door.written() == before
    assert code_of(await change(door, customer, corp_name="乙公司")) == (400, "CBC.99007188")
    assert await status(door, customer) == {"verified_status": 2, "verified_type": 0}
    await decide(door, customer, "refuse")
    assert (await result(door, customer)).json() == {"review_result": 1}
    assert await status(door, customer) == {"verified_status": 2, "verified_type": 0}
    await change(door, customer, corp_name="乙公司")
    await decide(door, customer, "approve")
    assert await status(door, customer) == {"verified_status": 2, "verified_type": 1}
    assert code_of(await change(door, customer)) == (400, "CBC.99007188")


async def test_only_a_verified_person_changes(door: CustomerDoor) -> None:
    customer = await door.create()
    before = await door.written()
    assert code_of(await change(door, customer)) == (403, "CBC.0155")
    assert await door.written() == before


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"verified_type": None}, "CBC.0100"),
        ({"verified_type": 4}, "CBC.0101"),
        ({"verified_file_url": []}, "CBC.0100"),
        ({"verified_file_url": ["a.jpg"] * 5}, "CBC.0100"),
        ({"verified_file_url": ["a.exe"]}, "CBC.99000100"),
        ({"verified_file_url": ["../a.jpg"]}, "CBC.0100"),
        ({"verified_file_url": ["https://h/a.jpg"]}, "CBC.0100"),
        ({"verified_file_url": ["a" * 253 + ".jpg"]}, "CBC.0100"),
        ({"identify_type": 4}, "CBC.99005030"),
        ({"identify_type": 1}, "CBC.0101"),
        ({"name": ""}, "CBC.0100"),
    ],
)
async def test_a_wrong_application_is_refused_and_writes_nothing(
    door: CustomerDoor, wrong: dict[str, Any], code: str
) -> None:
    customer = await door.create()
    before = await door.written()
    assert code_of(await apply(door, customer, **wrong)) == (400, code)
    assert code_of(await apply_company(door, customer, corp_name="123 _!")) == (400, "CBC.0100")
    assert await door.written() == before


async def test_only_ones_own_associated_customer_is_applied_for_or_shown(
    door: CustomerDoor,
) -> None:
    customer = await door.create()
    below = await door.create(DISTRIBUTOR, indirect_partner_id="res1")
    for mine, by in ((customer, OTHER_SELLER), (below, DISTRIBUTOR), ("nobody", SELLER)):
        assert code_of(await apply(door, mine, by)) == (400, "CBC.99000035")
        assert code_of(await result(door, mine, by)) == (400, "CBC.99000035")
    await door.unlink(customer)
    assert code_of(await apply(door, customer)) == (400, "CBC.99000035")
    refused = await door.post(
        f"/api/customers/{customer}/realname-review", {"decision": "approve"}, SELLER
    )
    assert code_of(refused) == (403, "CBC.0151")
    assert code_of(await decide(door, customer, "approve")) == (404, "CHB.0404")


async def test_abroad_a_person_applies_without_a_bank_card(door: CustomerDoor) -> None:
    customer = await door.create(ABROAD, domain_area="SG")
    assert (await apply(door, customer, ABROAD)).json() == {"is_review": 1}


async def test_it_can_be_switched_off(door: CustomerDoor, database: Database) -> None:
    customer = await door.create()
    wanted = PersonalApplication.model_validate({**PERSON, "customer_id": customer})
    with pytest.raises(SwitchedOffError):
        async with database.transaction() as session:
            await apply_for_verification(session, SELLER, wanted, switched_on=False, now=NOW)
