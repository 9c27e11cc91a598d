"""What an enterprise does to the end of an association, leaving a master, and restatement."""

import asyncio
from typing import Any

import pytest

from chassis.database import Database
from chassis.identity import Principal
from contracts.order import (
    OrderCreated,
    OrderExpired,
    OrderPaymentDeclined,
    OrderPaymentRequested,
)
from customer_sync.customers.restate_customers import CUSTOMERS
from testkit import outbox
from testkit.door import code_of
from tests.customer_sync.builders import (
    DISTRIBUTOR,
    SELLER,
    CustomerDoor,
    an_order,
    customer_itself,
    hear,
)
from tests.customer_sync.enterprise_builders import (
    MASTERS_PHONE,
    a_master,
    a_member,
    an_account,
    ask_member,
    members,
    root_of,
    written,
)
from tests.restating import differences, restated

pytestmark = pytest.mark.postgres


async def apply(door: CustomerDoor, customer_id: str, by: Principal = SELLER) -> Any:
    return await door.post(f"/api/customers/{customer_id}/unlinking", None, by)


async def agree(door: CustomerDoor, application: dict[str, Any], by: Principal) -> Any:
    path = f"/api/association-applications/{application['application_id']}/agree"
    return await door.post(path, None, by)


async def let_go(door: CustomerDoor, master: Principal, member: str) -> Any:
    return await door.post(f"/api/enterprise/members/{member}/leaving", {}, master)


@pytest.mark.parametrize("below", [{}, {"indirect_partner_id": "res1"}])
async def test_an_independent_member_leaves_its_master_before_either_is_unlinked(
    door: CustomerDoor, database: Database, below: dict[str, str]
) -> None:
    by = DISTRIBUTOR if below else SELLER
    master = await a_master(door, by, mobile_phone=MASTERS_PHONE, **below)
    member = await a_member(door, master)
    before = await written(door, database)
    told = {
        master.id: ("independent_members: the enterprise master has 1",
                    "财务独立企业子账号：该企业主账号下有 1 个"),
        member: ("enterprise_master: ", "企业主账号：财务独立企业子账号须先与其解除关联"),
    }  # fmt: skip
    for customer, (blocker, in_chinese) in told.items():
        for side in (by, customer_itself(customer, master.partner_id)):
            refused = await apply(door, customer, side)
            assert code_of(refused) == (409, "CHB.0409")
            assert blocker in refused.json()["detail"]
        again = await door.post(
            f"/api/customers/{customer}/unlinking", None, by, headers={"X-Language": "zh_CN"}
        )
        assert again.json()["detail"].endswith(in_chinese)
    assert await written(door, database) == before
    assert (await let_go(door, master, member)).status_code == 200
    for customer in (member, master.id):
        await door.unlink(customer, by)


async def test_neither_is_switched_while_the_member_is_an_independent_one(
    door: CustomerDoor, database: Database
) -> None:
    master = await a_master(door, mobile_phone=MASTERS_PHONE)
    member = await a_member(door, master)
    before = await written(door, database)
    for customer in (master.id, member):
        wanted = {"association_type": "1"}
        refused = await door.post(f"/api/customers/{customer}/switching", wanted)
        assert code_of(refused) == (409, "CHB.0409")
    assert await written(door, database) == before


async def test_a_custody_member_stands_in_nobodys_way(door: CustomerDoor) -> None:
    master = await a_master(door, mobile_phone=MASTERS_PHONE)
    member = await a_member(door, master, financial_custody=1)
    await door.unlink(member)
    body = [
        body for kind, body in await outbox.stated(door.database) if kind == "customer.unlinked"
    ][-1]
    assert (body["association_status"], body["enterprise_master_id"]) == ("unlinked", master.id)
    await door.unlink(master.id)


async def test_what_custody_members_asked_their_master_to_pay_blocks_it_until_it_is_settled(
    door: CustomerDoor, database: Database
) -> None:
    master, other = await a_master(door, mobile_phone=MASTERS_PHONE), await a_master(door)
    member = await a_member(door, master, financial_custody=1)
    asked = an_order(OrderPaymentRequested, member, "CS1", 2, paying_agent_id=master.id)
    await hear(database, an_order(OrderCreated, member, "CS0"), asked)
    before = await written(door, database)
    refused = await apply(door, master.id)
    assert code_of(refused) == (409, "CHB.0409")
    assert "proxy_payments: CS1" in refused.json()["detail"]
    assert "CS0" not in refused.json()["detail"]  # nobody asked for that one
    path, chinese = f"/api/customers/{master.id}/unlinking", {"X-Language": "zh_CN"}
    told = (await door.post(path, None, SELLER, headers=chinese)).json()
    assert "待代付订单：CS1" in told["detail"]
    wanted = {"association_type": "1"}
    switched = await door.post(f"/api/customers/{master.id}/switching", wanted)
    assert code_of(switched) == (409, "CHB.0409")
    assert await written(door, database) == before

    await door.unlink(other.id)
    gone = an_order(OrderExpired, member, "CS1", 3, paying_agent_id=master.id, status=4)
    await hear(database, gone, asked)
    await door.unlink(master.id)


async def test_an_order_that_its_partner_was_asked_to_pay_blocks_a_customer_until_that_ends(
    door: CustomerDoor, database: Database
) -> None:
    """Break: leave payment_request_id out of keep_order."""
    customer = await a_master(door)
    asked = an_order(
        OrderPaymentRequested, customer.id, "CS1", 2, payment_request_id="q1", source_type=1
    )
    await hear(database, an_order(OrderCreated, customer.id, "CS0", source_type=1), asked)
    refused = await apply(door, customer.id)
    assert code_of(refused) == (409, "CHB.0409")
    assert "payment_requests: CS1" in refused.json()["detail"]
    assert "CS0" not in refused.json()["detail"]
    path, chinese = f"/api/customers/{customer.id}/unlinking", {"X-Language": "zh_CN"}
    told = (await door.post(path, None, SELLER, headers=chinese)).json()
    assert "已请伙伴代付的订单：CS1" in told["detail"]
    declined = {"request_id": "q1", "outcome": "rejected", "source_type": 1}
    await hear(database, an_order(OrderPaymentDeclined, customer.id, "CS1", 3, **declined))
    await door.unlink(customer.id)


async def test_a_member_that_left_blocks_its_master_no_more(
    door: CustomerDoor, database: Database
) -> None:
    master = await a_master(door, mobile_phone=MASTERS_PHONE)
    member = await a_member(door, master, financial_custody=1)
    await hear(database, an_order(OrderPaymentRequested, member, "CS1", paying_agent_id=master.id))
    assert code_of(await apply(door, master.id)) == (409, "CHB.0409")
    assert (await let_go(door, master, member)).status_code == 200
    await door.unlink(master.id)


async def test_who_leaves_is_an_ordinary_customer_of_the_partner_and_shown_as_closed(
    door: CustomerDoor, database: Database
) -> None:
    master = await a_master(door, mobile_phone=MASTERS_PHONE)
    member = await a_member(door, master, financial_custody=1)
    left = await let_go(door, master, member)
    assert (left.status_code, left.json()["status"]) == (200, 4)
    kind, body = (await outbox.stated(door.database))[-1]
    assert kind == "customer.updated"
    gone = {"enterprise_master_id": None, "financial_custody": False}
    assert {**gone, "association_status": "associated", "customer_id": member}.items() <= (
        body.items()
    )
    (row,), _ = await members(door, master)
    assert row["status"] == 4
    assert "branch_one" in await door.names()
    before = await written(door, database)
    assert code_of(await let_go(door, master, member)) == (409, "CHB.0409")
    assert await written(door, database) == before


async def test_only_its_master_lets_a_member_go(door: CustomerDoor, database: Database) -> None:
    master, other = await a_master(door, mobile_phone=MASTERS_PHONE), await a_master(door)
    member = await a_member(door, master)
    before = await written(door, database)
    for one in (member, master.id, "nobody"):
        assert code_of(await let_go(door, other, one)) == (404, "CHB.0404")
    for by in (customer_itself(member), SELLER):
        refused = await door.post(f"/api/enterprise/members/{member}/leaving", {}, by)
        assert code_of(refused) == (403, "CBC.0151")
    assert await written(door, database) == before


async def test_a_member_made_after_its_master_applied_blocks_the_agreement(
    door: CustomerDoor, database: Database
) -> None:
    master = await a_master(door, mobile_phone=MASTERS_PHONE)
    application = (await apply(door, master.id)).json()
    member = await a_member(door, master)
    before = await written(door, database)
    refused = await agree(door, application, master)
    assert code_of(refused) == (409, "CHB.0409")
    assert "independent_members: " in refused.json()["detail"]
    assert await written(door, database) == before
    await let_go(door, master, member)
    assert (await agree(door, application, master)).status_code == 200


async def test_a_member_made_while_its_master_is_unlinked_is_no_orphan(door: CustomerDoor) -> None:
    """Whoever comes first: then the other is refused."""
    master = await a_master(door, mobile_phone=MASTERS_PHONE)
    application = (await apply(door, master.id)).json()
    party_id = await root_of(door, master)
    made, agreed = await asyncio.gather(
        ask_member(door, master, an_account(), party_id=party_id),
        agree(door, application, master),
    )
    assert (made.status_code, agreed.status_code) in {(204, 409), (403, 200)}


async def test_masters_and_members_are_stated_anew_as_they_were_stated_last(
    door: CustomerDoor, database: Database
) -> None:
    master = await a_master(door, mobile_phone=MASTERS_PHONE)
    await a_member(door, master, financial_custody=1)
    before = [
        body for kind, body in await outbox.stated(door.database) if kind.startswith("customer.")
    ]
    anew = await restated(database, CUSTOMERS)
    assert differences(anew, before) == {}
    told = {event.subject: event.model_dump() for event in anew}
    assert told.pop(master.id)["is_enterprise_master"] is True
    (member,) = told.values()
    assert (member["enterprise_master_id"], member["financial_custody"]) == (master.id, True)
