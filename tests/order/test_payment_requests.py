"""A customer asks its partner to pay an order (docs/domain/orders.md H.12)."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from chassis.database import Database
from chassis.identity import Principal
from order.copies import Customer
from order.orders.expire_orders import expire_orders
from order.orders.models import Order
from order.provisioning.complete_orders import complete_orders
from order.resources.models import ResourcePeriod
from order.resources.provider import SimulatedProvider
from testkit import audit, outbox
from testkit.clock import StandingClock
from testkit.door import ADMINISTRATOR, Door
from tests.order.builders import (
    CANCEL,
    DISTRIBUTOR,
    OTHER_PARTNER,
    PARTNER,
    PAY,
    RESELLER,
    customer_principal,
    keep_customer,
    keep_partner,
    keep_reseller,
    payment,
    place,
)
from tests.order.peer_double import PeerDouble

pytestmark = pytest.mark.postgres

HOLD = "/internal/holds"
LIST = "/api/payment-requests"
Json = dict[str, Any]


@pytest.fixture(autouse=True)
async def partner(database: Database) -> None:
    await keep_partner(database)


async def new_order(door: Door, database: Database, **more: Any) -> tuple[Principal, str]:
    customer = await keep_customer(database, **more)
    return customer_principal(customer), (await place(door, customer))["order_id"]


async def ask(door: Door, order_id: str, customer: Principal) -> Json:
    answer = await door.post(f"/api/orders/{order_id}/payment-request", None, customer)
    assert answer.status_code == 201, answer.text
    asked: Json = answer.json()
    return asked


async def withdraw(door: Door, order_id: str, customer: Principal) -> tuple[int, str]:
    return told(
        await door.send("DELETE", f"/api/orders/{order_id}/payment-request", None, customer)
    )


async def decide(
    door: Door, request_id: str, what: str = "pay", by: Principal = PARTNER
) -> tuple[int, str]:
    body = {"reason": "no budget"} if what == "reject" else None
    return told(await door.post(f"{LIST}/{request_id}/{what}", body, by))


def told(answer: Any) -> tuple[int, str]:
    return answer.status_code, "" if answer.is_success else answer.json()["code"]


async def listed(door: Door, by: Principal = PARTNER, **query: Any) -> list[Json]:
    answer = await door.get(LIST, by, query=query)
    assert answer.status_code == 200, answer.text
    found: list[Json] = answer.json()["payment_requests"]
    return found


DONE, STATUS_CHANGED, ENDED = (200, ""), (400, "CBC.99003106"), (409, "CHB.0409")
RUNNING, NOT_FOUND, NOT_ALLOWED = (400, "CBC.99008040"), (404, "CHB.0404"), (403, "CBC.0155")


async def test_the_partner_pays_what_it_was_asked_to_pay(
    door: Door, database: Database, peers: PeerDouble, clock: StandingClock
) -> None:
    customer, order_id = await new_order(door, database)
    asked = await ask(door, order_id.lower(), customer)
    assert (asked["order_id"], asked["amount"], asked["currency"], asked["status"]) == (
        order_id, "85.00", "CNY", "requested",
    )  # fmt: skip
    kind, fact = (await outbox.stated(database))[-1]
    assert (kind, fact["payment_request_id"], fact["status"], fact["version"]) == (
        "order.payment_requested", asked["request_id"], 6, 2,
    )  # fmt: skip
    clock.now += timedelta(hours=1)

    assert await decide(door, asked["request_id"]) == DONE

    [held] = peers.asked(HOLD)
    assert (held["payer_partner_id"], held["customer_id"], held["amount"]) == (
        "p1", customer.id, "85.00",
    )  # fmt: skip
    kind, fact = (await outbox.stated(database))[-1]
    assert (kind, fact["paying_partner_id"], fact["paying_agent_id"]) == ("order.paid", "p1", None)
    assert (fact["payment_request_id"], fact["status"], fact["coupons"]) == (None, 3, [])
    assert (fact["cash_amount"], fact["credit_amount"]) == ("85.00", "0.00")
    [shown] = await listed(door)
    assert (shown["status"], shown["ended_at"]) == ("paid", "2026-11-23T03:00:00Z")
    assert (await audit.deeds(database))[-2:] == [
        ("order.ask_partner", order_id), ("order.pay", order_id),
    ]  # fmt: skip
    # Whoever pays, agent_pay_info speaks of enterprise masters only.
    orders = (await door.get("/v2/orders/customer-orders", customer)).json()["order_infos"]
    assert [one["agent_pay_info"] for one in orders] == [{"is_agent_pay": False}]
    proxied = await door.get("/v2/orders/customer-orders", customer,
                             query={"method": "sub_customer"})  # fmt: skip
    assert proxied.json()["order_infos"] == []
    await complete_orders(database, SimulatedProvider(), clock.now + timedelta(hours=1))
    async with database.transaction() as session:  # a refund goes back to the partner
        assert (await session.scalars(select(ResourcePeriod.payer_id))).all() == ["p1"]


async def test_a_rejected_request_leaves_the_order_to_its_customer(
    door: Door, database: Database
) -> None:
    customer, order_id = await new_order(door, database)
    asked = await ask(door, order_id, customer)
    assert await decide(door, asked["request_id"], "reject") == DONE
    kind, fact = (await outbox.stated(database))[-1]
    assert (kind, fact["request_id"], fact["outcome"], fact["remark"]) == (
        "order.payment_declined", asked["request_id"], "rejected", "no budget",
    )  # fmt: skip
    assert (fact["payment_request_id"], fact["status"]) == (None, 6)
    [shown] = await listed(door, customer)
    assert (shown["status"], shown["reason"]) == ("rejected", "no budget")
    for what in ("pay", "reject"):
        assert await decide(door, asked["request_id"], what) == ENDED
    assert await withdraw(door, order_id, customer) == ENDED
    again = await ask(door, order_id, customer)
    assert again["request_id"] != asked["request_id"]
    assert (await door.post(PAY, payment(order_id), customer)).status_code == 204


async def test_a_withdrawn_request_is_nobodys_to_decide(door: Door, database: Database) -> None:
    customer, order_id = await new_order(door, database)
    asked = await ask(door, order_id, customer)
    assert await withdraw(door, order_id.lower(), customer) == (204, "")
    kind, fact = (await outbox.stated(database))[-1]
    assert (kind, fact["outcome"], fact["remark"]) == ("order.payment_declined", "withdrawn", None)
    for what in ("pay", "reject"):
        assert await decide(door, asked["request_id"], what) == ENDED
    history = (await door.get(f"/api/orders/{order_id}/history", PARTNER)).json()["history"]
    assert [(one["event"], one["by"], one["detail"]) for one in history[1:]] == [
        ("order.payment_requested", customer.id, None),
        ("order.payment_declined", customer.id, "withdrawn"),
    ]


@pytest.mark.parametrize("end", ["paid", "cancelled", "expired"])
async def test_a_request_lapses_with_its_order(
    door: Door, database: Database, clock: StandingClock, end: str
) -> None:
    """Break: show the row's own status."""
    customer, order_id = await new_order(door, database)
    asked = await ask(door, order_id, customer)
    if end == "paid":
        assert (await door.post(PAY, payment(order_id), customer)).status_code == 204
    if end == "cancelled":
        assert (await door.put(CANCEL, {"order_id": order_id}, customer)).status_code == 204
    if end == "expired":
        clock.now += timedelta(days=7)
        await expire_orders(database, clock.now)
    before = await outbox.types(database)
    for what in ("pay", "reject"):
        assert await decide(door, asked["request_id"], what) == STATUS_CHANGED
    assert await withdraw(door, order_id, customer) == STATUS_CHANGED
    again = await door.post(f"/api/orders/{order_id}/payment-request", None, customer)
    expected = "CBC.99003110" if end == "expired" else "CBC.99003106"
    assert told(again) == (400, expected)
    [shown] = await listed(door, status="lapsed")
    assert shown["ended_at"] is not None
    assert await listed(door, status="requested") == []
    assert await outbox.types(database) == before
    assert (await outbox.stated(database))[-1][1]["payment_request_id"] is None
    if end == "expired":
        return
    assert (await outbox.stated(database))[-1][1]["paying_partner_id"] is None


async def test_an_overdue_order_is_not_paid_by_the_partner_either(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer, order_id = await new_order(door, database)
    asked = await ask(door, order_id, customer)
    clock.now += timedelta(days=7)
    assert await decide(door, asked["request_id"]) == (400, "CBC.99003110")


async def test_one_request_is_open_at_a_time(door: Door, database: Database) -> None:
    customer, order_id = await new_order(door, database)
    path = f"/api/orders/{order_id}/payment-request"
    answers = await asyncio.gather(*(door.post(path, None, customer) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 7]
    assert len(await listed(door)) == 1


@pytest.mark.parametrize(
    ("kind", "association", "answer"),
    [
        ("solution_provider", "2", (201, "")),
        ("solution_provider", "1", (201, "")),
        ("reseller", "2", (201, "")),
        ("reseller", "1", NOT_ALLOWED),
        ("government", "2", NOT_ALLOWED),
    ],
)
async def test_whose_orders_a_partner_may_be_asked_to_pay(
    door: Door, database: Database, kind: str, association: str, answer: tuple[int, str]
) -> None:
    customer, order_id = await new_order(door, database)
    await keep_partner(database, kind=kind)
    async with database.transaction() as session:
        await session.execute(update(Customer).values(association_type=association))
    before = await outbox.types(database)
    asked = await door.post(f"/api/orders/{order_id}/payment-request", None, customer)
    assert told(asked) == answer
    if not asked.is_success:
        assert await outbox.types(database) == before
        return
    request_id = asked.json()["request_id"]
    payer = Principal(id="p1", kind=kind, partner_id="p1")
    assert [one["request_id"] for one in await listed(door, payer)] == [request_id]
    assert await decide(door, request_id, by=payer) == DONE


async def test_who_asks_nobody(door: Door, database: Database) -> None:
    """A custody member's master pays; a frozen customer buys nothing; strangers see no order."""
    master = await keep_customer(database)
    member, of_member = await new_order(door, database, paying_master_id=master)
    customer, order_id = await new_order(door, database)
    path = f"/api/orders/{of_member}/payment-request"
    assert told(await door.post(path, None, member)) == NOT_ALLOWED
    stranger = customer_principal(await keep_customer(database))
    for named in (order_id, order_id[:-6] + "000000"):
        path = f"/api/orders/{named}/payment-request"
        assert told(await door.post(path, None, stranger)) == NOT_FOUND
        assert await withdraw(door, named, stranger) == NOT_FOUND
    assert await withdraw(door, order_id, customer) == NOT_FOUND  # nobody was asked
    asked = await ask(door, order_id, customer)
    for by in (OTHER_PARTNER, RESELLER):
        assert await listed(door, by) == []
        for what in ("pay", "reject"):
            assert await decide(door, asked["request_id"], what, by) == NOT_FOUND
    assert await listed(door, stranger) == []
    async with database.transaction() as session:
        await session.execute(
            update(Customer).where(Customer.customer_id == customer.id).values(is_frozen=1)
        )
    assert await decide(door, asked["request_id"]) == NOT_ALLOWED
    assert await withdraw(door, order_id, customer) == (204, "")
    path = f"/api/orders/{order_id}/payment-request"
    assert told(await door.post(path, None, customer)) == NOT_ALLOWED


async def test_a_distributor_sees_its_resellers_requests_and_pays_none(
    door: Door, database: Database
) -> None:
    await keep_reseller(database)
    customer = await keep_customer(database, partner_id="r1", distributor_id="d1")
    order_id = (await place(door, customer, principal=RESELLER))["order_id"]
    asked = await ask(door, order_id, customer_principal(customer, "r1"))
    assert [one["request_id"] for one in await listed(door, DISTRIBUTOR)] == [asked["request_id"]]
    assert await decide(door, asked["request_id"], by=DISTRIBUTOR) == NOT_FOUND
    assert await decide(door, asked["request_id"], by=RESELLER) == DONE


async def test_a_refusal_of_billing_leaves_the_request_open(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    customer, order_id = await new_order(door, database)
    asked = await ask(door, order_id, customer)
    peers.refusals[HOLD] = (400, "CBC.99005003")
    assert await decide(door, asked["request_id"]) == (400, "CBC.99005003")
    kind, fact = (await outbox.stated(database))[-1]
    assert (kind, fact["reason_code"], fact["paying_partner_id"]) == (
        "order.payment_failed", "CBC.99005003", "p1",
    )  # fmt: skip
    assert [one["status"] for one in await listed(door)] == ["requested"]
    peers.refusals.clear()
    assert (await door.post(PAY, payment(order_id), customer)).status_code == 204
    fact = (await outbox.stated(database))[-1][1]
    assert (fact["paying_partner_id"], fact["payment_request_id"]) == (None, None)
    # The failed attempt is told to billing, which frees what it may still hold.
    assert len(peers.asked(HOLD)[-1]["failed_attempt_ids"]) == 1


async def test_a_price_that_changed_since_is_asked_anew(door: Door, database: Database) -> None:
    customer, order_id = await new_order(door, database)
    asked = await ask(door, order_id, customer)
    async with database.transaction() as session:
        await session.execute(update(Order).values(amount_after_discount=80, discount_amount=20))
    assert await decide(door, asked["request_id"]) == STATUS_CHANGED


async def test_a_payment_under_a_key_is_done_once(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    customer, order_id = await new_order(door, database)
    asked = await ask(door, order_id, customer)
    path = f"{LIST}/{asked['request_id']}/pay"
    first = await door.post(path, None, PARTNER, key="k1")
    again = await door.post(path, None, PARTNER, key="k1")
    assert (first.status_code, again.content) == (200, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert len(peers.asked(HOLD)) == 1


async def test_pages_go_on_where_the_last_one_ended(door: Door, database: Database) -> None:
    customer = await keep_customer(database)
    orders = [(await place(door, customer))["order_id"] for _ in range(5)]
    asked = [await ask(door, one, customer_principal(customer)) for one in orders]
    found, after = [], None
    for _ in range(3):
        query = {"limit": 2} | ({"after": after} if after else {})
        page = (await door.get(LIST, PARTNER, query=query)).json()
        found += [one["request_id"] for one in page["payment_requests"]]
        after = page["next"]
    assert after is None
    assert found == [one["request_id"] for one in reversed(asked)]
    assert len(await listed(door, ADMINISTRATOR)) == 5
    assert len(await listed(door, order_id=orders[0].lower())) == 1
    for query in ({"after": "x"}, {"status": "open"}, {"limit": 0}, {"limit": 101}, {"a": "b"}):
        refused = await door.get(LIST, PARTNER, query=query)
        assert refused.status_code == 400


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "x" * 501}, {"reason": 5}, []])
async def test_a_rejection_says_why(door: Door, database: Database, body: Any) -> None:
    customer, order_id = await new_order(door, database)
    asked = await ask(door, order_id, customer)
    answer = await door.post(f"{LIST}/{asked['request_id']}/reject", body, PARTNER)
    assert told(answer) == (400, "CBC.0100")
    assert [one["status"] for one in await listed(door)] == ["requested"]
