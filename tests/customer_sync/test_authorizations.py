"""A partner asks, the customer itself decides (docs/domain/acting-on-behalf.md F6)."""

import asyncio
from dataclasses import replace

from chassis.identity import Principal
from testkit import outbox
from testkit.door import ADMINISTRATOR, code_of
from tests.customer_sync.builders import (
    DISTRIBUTOR,
    OTHER_SELLER,
    SELLER,
    CustomerDoor,
)


def _customer(customer_id: str) -> Principal:
    return Principal(id=customer_id, kind="customer", partner_id="sp1")


async def _ask(door: CustomerDoor, customer: str) -> str:
    answer = await door.post(f"/api/customers/{customer}/authorizations")
    assert answer.status_code == 201, answer.text
    asked: str = answer.json()["authorization_id"]
    return asked


async def test_asked_granted_and_terminated_each_with_its_event(door: CustomerDoor) -> None:
    customer = await door.create()
    asked = await _ask(door, customer)
    for decision, status in (("grant", "active"), ("terminate", "terminated")):
        path = f"/api/authorizations/{asked}/{decision}"
        answer = await door.post(path, None, _customer(customer))
        assert (answer.status_code, answer.json()["status"]) == (200, status)
    stated = (await outbox.stated(door.database))[2:]
    assert [(kind, body["version"], body["status"]) for kind, body in stated] == [
        ("authorization.requested", 1, "requested"),
        ("authorization.granted", 2, "active"),
        ("authorization.terminated", 3, "terminated"),
    ]
    assert {body["customer_id"] for _, body in stated} == {customer}
    await _ask(door, customer)


async def test_a_refused_request_can_be_made_again(door: CustomerDoor) -> None:
    customer = await door.create()
    path = f"/api/authorizations/{await _ask(door, customer)}"
    assert (await door.post(f"{path}/refuse", None, _customer(customer))).status_code == 200
    before = await door.written()
    for decision in ("grant", "refuse", "terminate"):
        late = await door.post(f"{path}/{decision}", None, _customer(customer))
        assert code_of(late) == (409, "CHB.0409")
    assert await door.written() == before
    await _ask(door, customer)


async def test_one_request_or_grant_at_a_time_also_when_many_ask_at_once(
    door: CustomerDoor,
) -> None:
    customer = await door.create()
    path = f"/api/customers/{customer}/authorizations"
    answers = await asyncio.gather(*(door.post(path) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
    open_one = (await door.get("/api/authorizations")).json()["authorizations"]
    assert len(open_one) == 1


async def test_only_associated_resale_customers_are_asked(door: CustomerDoor) -> None:
    referral = await door.create(cooperation_type="1")
    gone = await door.create()
    await door.unlink(gone)
    before = await door.written()
    for customer in (referral, gone):
        answer = await door.post(f"/api/customers/{customer}/authorizations")
        assert code_of(answer) == (409, "CHB.0409")
    stranger = await door.post(f"/api/customers/{gone}/authorizations", None, OTHER_SELLER)
    assert code_of(stranger) == (404, "CHB.0404")
    assert await door.written() == before


async def test_nobody_but_the_customer_itself_decides(door: CustomerDoor) -> None:
    customer, other = await door.create(), await door.create()
    path = f"/api/authorizations/{await _ask(door, customer)}/grant"
    before = await door.written()
    acting = replace(_customer(customer), acting_for_partner="sp1")
    for principal in (SELLER, ADMINISTRATOR, acting):
        assert code_of(await door.post(path, None, principal)) == (403, "CBC.0151")
    assert code_of(await door.post(path, None, _customer(other))) == (404, "CHB.0404")
    assert await door.written() == before
    path = path.replace("grant", "shred")
    assert (await door.post(path, None, _customer(customer))).status_code == 400


async def test_a_request_nobody_answered_is_not_terminated_by_the_customer(
    door: CustomerDoor,
) -> None:
    customer = await door.create()
    path = f"/api/authorizations/{await _ask(door, customer)}/terminate"
    assert code_of(await door.post(path, None, _customer(customer))) == (409, "CHB.0409")


async def test_lists_show_each_its_own_in_pages(door: CustomerDoor) -> None:
    customers = [await door.create() for _ in range(3)]
    asked = [await _ask(door, customer) for customer in customers]
    reseller_customer = await door.create(DISTRIBUTOR, indirect_partner_id="res1")
    path = f"/api/customers/{reseller_customer}/authorizations"
    assert (await door.post(path, None, DISTRIBUTOR)).status_code == 201
    first = (await door.get("/api/authorizations?limit=2")).json()
    assert [a["authorization_id"] for a in first["authorizations"]] == asked[:0:-1]
    rest = (await door.get(f"/api/authorizations?limit=2&after={first['next']}")).json()
    assert [a["authorization_id"] for a in rest["authorizations"]] == asked[:1]
    assert rest["next"] is None
    own = (await door.get("/api/authorizations", _customer(customers[0]))).json()
    assert [a["authorization_id"] for a in own["authorizations"]] == asked[:1]
    above = (await door.get("/api/authorizations", DISTRIBUTOR)).json()["authorizations"]
    assert [a["customer_id"] for a in above] == [reseller_customer]
    by_customer = f"/api/authorizations?customer_id={customers[1]}&status=requested"
    assert len((await door.get(by_customer)).json()["authorizations"]) == 1
    assert (await door.get("/api/authorizations?status=odd")).status_code == 400
    assert (await door.get("/api/authorizations?limit=101")).status_code == 400
