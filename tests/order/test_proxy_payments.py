"""A custody member's payment asks its enterprise master, which pays.

See docs/domain/enterprise.md B.4.
"""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from chassis.clock import wall_now
from chassis.database import Database
from chassis.identity import Principal
from contracts.customer import CustomerRegistered, CustomerUpdated
from order.copies import Authorization, Customer
from order.orders.find_order import visible_as_agent
from order.orders.models import Order
from order.orders.restate_orders import ORDERS as STATED_ORDERS
from order.payments.close_attempts import close_abandoned_attempts
from testkit import audit, outbox
from testkit.clock import StandingClock
from testkit.door import Door
from tests.order.builders import (
    CANCEL,
    DISTRIBUTOR,
    ORDERS,
    OTHER_PARTNER,
    PARTNER,
    PAY,
    attempts,
    customer_principal,
    hear,
    keep_customer,
    keep_reseller,
    line,
    payment,
    place,
)
from tests.order.peer_double import Content, PeerDouble
from tests.order.test_copies import customer as customer_event
from tests.order.test_copies import one
from tests.restating import differences, restated

pytestmark = pytest.mark.postgres

RESERVE, HOLD = "/internal/reservations", "/internal/holds"
UNKNOWN = (400, "CBC.30000010")
ASKED = (403, "CBC.0155")


async def code_of(door: Door, who: Principal, order_id: str, *coupons: str) -> Any:
    """204, or status and code of the refusal."""
    answer = await door.post(PAY, payment(order_id, *coupons), who)
    if answer.status_code == 204:
        return 204
    return answer.status_code, answer.json()["error_code"]


async def listed(door: Door, who: Principal, **query: Any) -> list[dict[str, Any]]:
    answer = await door.get(ORDERS, who, query=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["order_infos"]
    return found


async def proxied(door: Door, who: Principal, **query: Any) -> list[str]:
    """The ids of the orders that a master pays for its members, as the caller sees them."""
    return [o["order_id"] for o in await listed(door, who, method="sub_customer", **query)]


async def a_family(door: Door, database: Database) -> tuple[Principal, Principal, str]:
    """A master, its custody member, and an order of the member's that waits for payment."""
    master = await keep_customer(database)
    member = await keep_customer(database, paying_master_id=master)
    order = await place(door, member)
    return customer_principal(master), customer_principal(member), order["order_id"]


async def lets_go(database: Database, member: Principal) -> None:
    async with database.transaction() as session:
        (await session.get_one(Customer, member.id)).paying_master_id = None


async def test_a_members_payment_asks_its_master_once_and_reserves_nothing(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    master, member, order_id = await a_family(door, database)

    answer = await door.post(PAY, payment(order_id), member)

    assert (answer.status_code, answer.json()["error_code"]) == ASKED
    assert "it has been asked to pay" in answer.json()["error_msg"]
    chinese = {"X-Language": "zh_CN"}
    told = await door.post(PAY, payment(order_id), member, headers=chinese)
    assert "已请企业主账号支付该订单" in told.json()["error_msg"]
    assert await code_of(door, member, order_id) == ASKED
    assert await outbox.types(database) == ["order.created", "order.payment_requested"]
    body = (await outbox.stated(database))[-1][1]
    assert (body["paying_agent_id"], body["customer_id"]) == (master.id, member.id)
    assert (body["status"], body["version"]) == (6, 2)
    assert await attempts(database) == []
    assert peers.asked(RESERVE) == peers.asked(HOLD) == []
    assert (await audit.deeds(database))[1:] == [("order.ask_master", order_id)]


async def test_members_asking_at_once_ask_once(door: Door, database: Database) -> None:
    _, member, order_id = await a_family(door, database)
    asked = await asyncio.gather(*(code_of(door, member, order_id) for _ in range(6)))
    assert asked == [ASKED] * 6
    assert await outbox.types(database) == ["order.created", "order.payment_requested"]


async def test_the_master_lists_what_it_is_asked_to_pay_and_pays_with_its_own(
    door: Door, database: Database, peers: PeerDouble, clock: StandingClock
) -> None:
    master, member, order_id = await a_family(door, database)
    assert await proxied(door, master) == []
    await code_of(door, member, order_id)
    assert await proxied(door, master) == [order_id]
    assert await proxied(door, master, status=6, customer_id=member.id) == [order_id]
    assert await proxied(door, master, customer_id=master.id) == []
    (waiting,) = await listed(door, master, method="sub_customer")
    assert waiting["agent_pay_info"] == {"is_agent_pay": False}  # nobody has paid
    assert await listed(door, master) == []
    detail = await door.get(f"{ORDERS}/details/{order_id}", master)
    assert detail.json()["order_info"]["customer_id"] == member.id

    peers.coupons = {"CP1": (1, "5.00")}
    clock.now += timedelta(hours=1)
    assert await code_of(door, master, order_id.lower(), "CP1") == 204

    [reserved], [held] = peers.asked(RESERVE), peers.asked(HOLD)
    assert reserved["customer_id"] == held["customer_id"] == master.id
    assert (held["amount"], held["order_id"]) == ("80.00", order_id)
    kind, body = (await outbox.stated(database))[-1]
    assert (kind, body["customer_id"], body["paying_agent_id"]) == (
        "order.paid", member.id, master.id,
    )  # fmt: skip
    assert (await audit.deeds(database))[-1] == ("order.pay", order_id)
    paid = {"paying_agent_id": master.id, "is_agent_pay": True}
    for who, method in (
        (master, "sub_customer"), (member, "oneself"), (PARTNER, "oneself"),
        (PARTNER, "sub_customer"),
    ):  # fmt: skip
        (shown,) = await listed(door, who, method=method)
        assert (shown["order_id"], shown["agent_pay_info"]) == (order_id, paid)
    assert await proxied(door, member) == []
    assert await code_of(door, master, order_id) == (400, "CBC.99003106")
    assert await code_of(door, member, order_id) == (400, "CBC.99003106")


async def test_nobody_else_sees_or_pays_what_a_master_was_asked_for(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    master, member, order_id = await a_family(door, database)
    other, other_member, _ = await a_family(door, database)
    abroad = customer_principal(await keep_customer(database, partner_id="p2"), "p2")
    pretender = Principal(id=master.id, kind="customer", partner_id="p2")
    assert await code_of(door, master, order_id) == UNKNOWN  # it was not asked yet
    await code_of(door, member, order_id)
    before = await outbox.stated(database)
    for who in (other, other_member, abroad, pretender):
        assert await code_of(door, who, order_id) == UNKNOWN
        assert await proxied(door, who) == []
        detail = await door.get(f"{ORDERS}/details/{order_id}", who)
        assert (detail.status_code, detail.json()["error_code"]) == UNKNOWN
    assert await proxied(door, OTHER_PARTNER) == []
    cancelled = await door.put(CANCEL, {"order_id": order_id}, master)  # it is the member's
    assert (cancelled.status_code, cancelled.json()["error_code"]) == UNKNOWN
    assert await outbox.stated(database) == before
    assert await attempts(database) == []
    assert peers.asked(HOLD) == []


async def test_each_of_the_two_walls_alone_hides_the_order_from_a_master_of_another_partner(
    door: Door, database: Database
) -> None:
    master, member, order_id = await a_family(door, database)
    await code_of(door, member, order_id)
    elsewhere = Principal(id=master.id, kind="customer", partner_id="p2")
    for who, seen in ((master, True), (elsewhere, False)):
        async with database.transaction_as(who) as session:  # row-level security
            assert (await session.get(Order, order_id) is not None) is seen
        async with database.transaction() as session:  # the query's own condition
            paid = select(Order.order_id).where(visible_as_agent(who))
            assert (await session.scalar(paid) is not None) is seen


async def test_the_member_may_cancel_what_it_asked_its_master_to_pay(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    master, member, order_id = await a_family(door, database)
    await code_of(door, member, order_id)
    assert (await door.put(CANCEL, {"order_id": order_id}, member)).status_code == 204
    assert await code_of(door, master, order_id) == (400, "CBC.99003106")
    assert (await outbox.types(database))[-1] == "order.cancelled"
    assert await attempts(database) == []
    assert peers.asked(HOLD) == []


async def test_a_member_that_left_pays_itself_and_its_master_no_more(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    master, member, order_id = await a_family(door, database)
    await code_of(door, member, order_id)
    await lets_go(database, member)
    assert await proxied(door, master) == []
    assert await code_of(door, master, order_id) == UNKNOWN
    assert await code_of(door, member, order_id) == 204
    assert peers.asked(HOLD)[0]["customer_id"] == member.id
    kind, body = (await outbox.stated(database))[-1]
    assert (kind, body.get("paying_agent_id")) == ("order.paid", None)
    (shown,) = await listed(door, member)
    assert shown["agent_pay_info"] == {"is_agent_pay": False}


async def test_a_master_that_was_unlinked_is_asked_and_pays_all_the_same(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    master, member, order_id = await a_family(door, database)
    async with database.transaction() as session:
        (await session.get_one(Customer, master.id)).association_status = "unlinked"
    assert await code_of(door, member, order_id) == ASKED
    assert await code_of(door, master, order_id) == 204
    assert peers.asked(HOLD)[0]["customer_id"] == master.id


async def test_what_a_master_has_paid_stays_its_own_when_the_member_leaves(
    door: Door, database: Database
) -> None:
    master, member, order_id = await a_family(door, database)
    await code_of(door, member, order_id)
    assert await code_of(door, master, order_id) == 204
    await lets_go(database, member)
    assert await proxied(door, master) == [order_id]


async def test_a_payment_of_a_master_that_fails_may_be_tried_again(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    master, member, order_id = await a_family(door, database)
    await code_of(door, member, order_id)
    peers.refusals[HOLD] = (400, "CBC.99005003")
    assert await code_of(door, master, order_id) == (400, "CBC.99005003")
    kind, body = (await outbox.stated(database))[-1]
    assert (kind, body["paying_agent_id"]) == ("order.payment_failed", master.id)
    peers.refusals.clear()
    assert await code_of(door, member, order_id) == ASKED
    assert await outbox.types(database) == [
        "order.created", "order.payment_requested", "order.payment_failed",
    ]  # fmt: skip
    assert await code_of(door, master, order_id) == 204


async def test_an_abandoned_attempt_of_a_master_is_stated_as_its_own(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    """The request dies after the hold; the master's money is let go by what order states."""
    master, member, order_id = await a_family(door, database)
    await code_of(door, member, order_id)

    async def meanwhile(_: Content) -> None:
        later = wall_now() + timedelta(seconds=31)
        await close_abandoned_attempts(after_seconds=30)(database, later)

    peers.before[HOLD] = meanwhile
    assert await code_of(door, master, order_id) == (400, "CBC.99003106")
    kind, body = (await outbox.stated(database))[-1]
    assert (kind, body["paying_agent_id"], body["reason_code"]) == (
        "order.payment_failed", master.id, "CHB.0503",
    )  # fmt: skip
    assert [attempt.state for attempt in await attempts(database)] == ["failed"]


async def test_while_the_master_pays_the_member_asks_nobody(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    master, member, order_id = await a_family(door, database)
    await code_of(door, member, order_id)
    heard: list[Any] = []

    async def the_member_asks(_: Content) -> None:
        await lets_go(database, member)
        heard.append(await code_of(door, member, order_id))
        cancelled = await door.put(CANCEL, {"order_id": order_id}, member)
        heard.append(cancelled.json()["error_code"])

    peers.before[HOLD] = the_member_asks
    assert await code_of(door, master, order_id) == 204  # what is under way comes to its end
    assert heard == [(400, "CBC.99008040"), "CBC.99005010"]
    assert (await outbox.stated(database))[-1][1]["paying_agent_id"] == master.id


@pytest.mark.parametrize("frozen", ["master", "member"])
async def test_neither_a_frozen_master_pays_nor_anybody_for_a_frozen_member(
    door: Door, database: Database, frozen: str
) -> None:
    master, member, order_id = await a_family(door, database)
    await code_of(door, member, order_id)
    async with database.transaction() as session:
        of = master.id if frozen == "master" else member.id
        (await session.get_one(Customer, of)).is_frozen = 1
    before = await outbox.stated(database)
    answer = await door.post(PAY, payment(order_id), master)
    assert (answer.status_code, answer.json()["error_code"]) == (403, "CBC.0155")
    assert "frozen" in answer.json()["error_msg"]
    assert await outbox.stated(database) == before
    assert await attempts(database) == []


async def test_what_is_not_payable_is_asked_of_no_master(
    door: Door, database: Database, clock: StandingClock
) -> None:
    _, member, _ = await a_family(door, database)
    review = (await place(door, member.id, hold_for="review"))["order_id"]
    combined = await place(door, member.id, [line(), line("hws.service.type.ebs")])
    before = await outbox.stated(database)
    assert await code_of(door, member, review) == (400, "CBC.99003106")
    part = combined["lines"][0]["member_order_id"]
    assert await code_of(door, member, part) == (400, "CBC.99000089")
    clock.now += timedelta(days=7)
    assert await code_of(door, member, combined["order_id"]) == (400, "CBC.99003110")
    assert await outbox.stated(database) == before


async def test_a_part_of_a_combined_order_is_no_more_the_masters_to_pay_than_the_members(
    door: Door, database: Database
) -> None:
    master, member, _ = await a_family(door, database)
    combined = await place(door, member.id, [line(), line("hws.service.type.ebs")])
    part = combined["lines"][0]["member_order_id"]
    assert await code_of(door, master, part) == UNKNOWN
    await code_of(door, member, combined["order_id"])
    assert await code_of(door, master, part) == (400, "CBC.99000089")


async def test_a_partner_that_acts_for_the_master_needs_the_masters_grant(
    door: Door, database: Database
) -> None:
    master, member, order_id = await a_family(door, database)
    await code_of(door, member, order_id)
    async with database.transaction() as session:
        granted = select(Authorization).where(Authorization.customer_id == master.id)
        (await session.scalars(granted)).one().status = "terminated"
    acting = customer_principal(master.id, acting_for_partner="p1")
    assert await code_of(door, acting, order_id) == (403, "CHB.1001")
    assert await code_of(door, master, order_id) == 204


async def test_a_distributor_sees_what_a_master_of_its_resellers_pays(
    door: Door, database: Database
) -> None:
    await keep_reseller(database)
    below: dict[str, Any] = {"partner_id": "r1", "distributor_id": "d1"}
    master = await keep_customer(database, **below)
    member = await keep_customer(database, paying_master_id=master, **below)
    order_id = (await place(door, member, principal=DISTRIBUTOR))["order_id"]
    await place(door, master, principal=DISTRIBUTOR)
    await code_of(door, customer_principal(member, "r1"), order_id)
    assert await proxied(door, DISTRIBUTOR) == []
    assert await proxied(door, DISTRIBUTOR, indirect_partner_id="r1") == [order_id]


async def test_only_a_custody_member_is_known_as_paid_by_its_master(database: Database) -> None:
    member = {"enterprise_master_id": "m1"}
    await hear(database, customer_event(CustomerRegistered, 1, **member))
    assert (await one(database, Customer)).paying_master_id is None  # an independent one
    custody = customer_event(CustomerUpdated, 2, **member, financial_custody=True)
    await hear(database, custody)
    assert (await one(database, Customer)).paying_master_id == "m1"
    async with database.transaction() as session:
        (await session.get_one(Customer, "c1")).paying_master_id = None
    await hear(database, custody.model_copy(update={"restated": True}))  # a rebuild mends it
    assert (await one(database, Customer)).paying_master_id == "m1"
    await hear(database, customer_event(CustomerUpdated, 3))
    assert (await one(database, Customer)).paying_master_id is None


async def test_who_pays_is_stated_anew_with_the_order(door: Door, database: Database) -> None:
    master, member, order_id = await a_family(door, database)
    await code_of(door, member, order_id)
    stated = await outbox.stated(database)
    anew = await restated(database, STATED_ORDERS)
    assert differences(anew, [body for _, body in stated]) == {}
    assert [event.paying_agent_id for event in anew] == [master.id]  # type: ignore[attr-defined]
