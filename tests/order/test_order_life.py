"""Review, cancellation, expiry, provisioning: how an order goes on and ends.

See docs/domain/orders.md B.5.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from chassis.database import Database
from order.orders.expire_orders import expire_orders
from order.orders.models import PaymentAttempt
from order.resources.complete_orders import Provisioning, complete_orders
from order.resources.models import Resource
from tests.order.builders import (
    ADMINISTRATOR,
    CANCEL,
    ORDERS,
    PARTNER,
    PAY,
    customer_principal,
    deeds,
    facts,
    keep_customer,
    line,
    payment,
    place,
    types_stated,
)
from tests.order.caller import Caller
from tests.order.conftest import SetClock

pytestmark = pytest.mark.postgres


async def status_of(caller: Caller, order: dict[str, Any]) -> int:
    answer = await caller.get(PARTNER, f"/api/orders/{order['order_id']}")
    return int(answer.json()["status"])


async def decide(caller: Caller, order: dict[str, Any], decision: str, **more: Any) -> Any:
    principal = more.get("principal", ADMINISTRATOR)
    path = f"/api/orders/{order['order_id']}/review"
    return await caller.post(principal, path, {"decision": decision})


@pytest.mark.parametrize("hold_for", ["review", "confirmation"])
async def test_an_approved_order_has_seven_days_from_then_on(
    caller: Caller, database: Database, clock: SetClock, hold_for: str
) -> None:
    order = await place(caller, await keep_customer(database), hold_for=hold_for)
    clock.now += timedelta(days=20)
    approved = await decide(caller, order, "approve")
    assert approved.status_code == 200
    assert approved.json()["status"] == 6
    assert approved.json()["pay_until"] == "2026-12-20T02:00:00Z"
    stated, body = (await facts(database))[-1]
    assert (stated, body["status"], body["version"]) == ("order.reviewed", 6, 2)
    assert (await deeds(database))[-1] == ("order.review", order["order_id"])


async def test_a_refused_order_is_cancelled_and_both_facts_are_stated_in_turn(
    caller: Caller, database: Database
) -> None:
    order = await place(caller, await keep_customer(database), hold_for="review")
    refused = await decide(caller, order, "refuse")
    assert (refused.json()["status"], refused.json()["end_reason"]) == (4, "refused")
    known = [(stated, body["status"], body["version"]) for stated, body in await facts(database)]
    assert known[1:] == [("order.reviewed", 4, 2), ("order.cancelled", 4, 3)]


async def test_only_the_administrator_decides_and_only_once(
    caller: Caller, database: Database
) -> None:
    order = await place(caller, await keep_customer(database), hold_for="review")
    by_partner = await decide(caller, order, "approve", principal=PARTNER)
    assert (by_partner.status_code, by_partner.json()["code"]) == (403, "CBC.0151")
    assert (await decide(caller, order, "approve")).status_code == 200
    again = await decide(caller, order, "refuse")
    assert (again.status_code, again.json()["code"]) == (409, "CHB.0409")
    nowhere = await decide(caller, {"order_id": "CS0"}, "approve")
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "CHB.0404")
    unknown = await decide(caller, order, "perhaps")
    assert (unknown.status_code, unknown.json()["code"]) == (400, "CBC.0101")
    assert await types_stated(database) == ["order.created", "order.reviewed"]


async def test_a_customer_cancels_its_pending_order_once(
    caller: Caller, database: Database
) -> None:
    customer = await keep_customer(database)
    order = await place(caller, customer)
    principal, body = customer_principal(customer), {"order_id": order["order_id"].lower()}
    cancelled = await caller.put(principal, CANCEL, body)
    assert (cancelled.status_code, cancelled.content) == (204, b"")
    again = await caller.put(principal, CANCEL, body)
    assert (again.status_code, again.json()["error_code"]) == (400, "CBC.99005010")
    assert set(again.json()) == {"error_code", "error_msg"}
    paid = await caller.post(principal, PAY, payment(order["order_id"]))
    assert paid.json()["error_code"] == "CBC.99003106"
    assert await types_stated(database) == ["order.created", "order.cancelled"]


async def test_what_is_not_pending_or_not_ones_own_cannot_be_cancelled(
    caller: Caller, database: Database
) -> None:
    customer, stranger = await keep_customer(database), await keep_customer(database)
    held = await place(caller, customer, hold_for="review")
    combined = await place(caller, customer, [line(), line("hws.service.type.ebs")])
    before = await facts(database)
    for principal, order_id, status, code in (
        (customer_principal(customer), held["order_id"], 400, "CBC.99005010"),
        (customer_principal(stranger), combined["order_id"], 400, "CBC.30000010"),
        (customer_principal(customer), "CS0", 400, "CBC.30000010"),
        (customer_principal(customer), combined["lines"][1]["member_order_id"], 400,
         "CBC.99000089"),
        (customer_principal(customer), "", 400, "CBC.0100"),
        (PARTNER, combined["order_id"], 403, "CBC.0151"),
    ):  # fmt: skip
        answer = await caller.put(principal, CANCEL, {"order_id": order_id})
        assert (answer.status_code, answer.json()["error_code"]) == (status, code)
    assert await facts(database) == before


async def test_overdue_orders_expire_at_their_deadline_in_portions(
    caller: Caller, database: Database, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("order.orders.expire_orders.PORTION_MAX", 2)
    customer = await keep_customer(database)
    orders = [await place(caller, customer) for _ in range(5)]
    deadline = clock.now + timedelta(days=7)
    await expire_orders(database, deadline - timedelta(microseconds=1))
    assert {await status_of(caller, order) for order in orders} == {6}

    await asyncio.gather(*(expire_orders(database, deadline) for _ in range(3)))
    await expire_orders(database, deadline)
    assert {await status_of(caller, order) for order in orders} == {4}
    assert (await types_stated(database))[5:] == ["order.expired"] * 5
    paid = await caller.post(customer_principal(customer), PAY, payment(orders[0]["order_id"]))
    assert paid.json()["error_code"] == "CBC.99003110"


async def test_an_order_being_paid_at_its_deadline_is_left_to_its_attempt(
    caller: Caller, database: Database, clock: SetClock
) -> None:
    order = await place(caller, await keep_customer(database))
    async with database.transaction() as session:
        session.add(
            PaymentAttempt(
                attempt_id="a", order_id=order["order_id"], customer_id=order["customer_id"],
                partner_id="p1", state="open", coupons=[], opened_at=clock.now,
            )
        )  # fmt: skip
    await expire_orders(database, clock.now + timedelta(days=8))
    assert await status_of(caller, order) == 6


async def test_a_paid_order_is_provisioned_when_its_time_has_passed(
    caller: Caller, database: Database, clock: SetClock
) -> None:
    customer = await keep_customer(database)
    clock.now = datetime(2027, 1, 31, 3, 0, tzinfo=UTC)
    lines = [
        line(quantity=2),
        line("hws.service.type.ebs", period_type=3),
        line("hws.service.type.obs", charging_mode=3, period_type=None, period_num=None),
    ]
    order = await place(caller, customer, lines)
    principal = customer_principal(customer)
    assert (await caller.post(principal, PAY, payment(order["order_id"]))).status_code == 204

    await complete_orders(database, clock.now + timedelta(seconds=1.9))
    assert await status_of(caller, order) == 3
    later = clock.now + timedelta(seconds=2)
    await asyncio.gather(*(complete_orders(database, later) for _ in range(3)))

    assert await status_of(caller, order) == 5
    known = await facts(database)
    assert [stated for stated, _ in known[2:]] == ["resource.opened"] * 4 + ["order.completed"]
    opened = [body for stated, body in known if stated == "resource.opened"]
    assert [(body["status"], body["expire_at"]) for body in opened] == [
        (2, "2027-02-28T15:59:59Z"),
        (2, "2027-02-28T15:59:59Z"),
        (2, "2028-01-31T15:59:59Z"),
        (1, None),
    ]
    assert len({body["resource_id"] for body in opened}) == 4
    async with database.transaction() as session:
        kept = (await session.scalars(select(Resource))).all()
    assert {resource.resource_id for resource in kept} == {body["resource_id"] for body in opened}
    detail = await caller.get(principal, f"{ORDERS}/details/{order['order_id']}")
    item = detail.json()["order_line_items"][0]
    assert (item["effective_time"], item["expire_time"]) == (
        "2027-01-31T03:00:02Z", "2027-02-28T15:59:59Z",
    )  # fmt: skip


async def test_an_order_paid_here_is_completed_at_once_when_due_one_paid_elsewhere_soon(
    app: FastAPI, caller: Caller, database: Database, clock: SetClock
) -> None:
    here: Provisioning = app.state.provisioning
    elsewhere = Provisioning()
    customer = await keep_customer(database)
    for replica in (here, elsewhere):
        await replica.work(database, clock.now)
    first, second = await place(caller, customer), await place(caller, customer)
    for order, seconds in ((first, 1), (second, 2)):
        clock.now += timedelta(seconds=seconds)
        await caller.post(customer_principal(customer), PAY, payment(order["order_id"]))

    clock.now += timedelta(seconds=1)  # 3 s after the first, 1 s after the second
    await elsewhere.work(database, clock.now)
    assert await status_of(caller, first) == 3
    await here.work(database, clock.now)
    assert [await status_of(caller, order) for order in (first, second)] == [5, 3]
    clock.now += timedelta(seconds=1)  # less than a look after the last one
    await here.work(database, clock.now)
    assert await status_of(caller, second) == 5

    third = await place(caller, customer)
    await caller.post(customer_principal(customer), PAY, payment(third["order_id"]))
    clock.now += timedelta(seconds=5)
    await elsewhere.work(database, clock.now)
    assert await status_of(caller, third) == 5


async def test_each_fact_of_an_order_has_the_next_version(
    caller: Caller, database: Database, clock: SetClock
) -> None:
    customer = await keep_customer(database)
    order = await place(caller, customer, hold_for="confirmation")
    await decide(caller, order, "approve")
    await caller.post(customer_principal(customer), PAY, payment(order["order_id"]))
    await complete_orders(database, clock.now + timedelta(minutes=1))
    versions = [
        (stated, body["version"])
        for stated, body in await facts(database)
        if stated.startswith("order.")
    ]
    assert versions == [
        ("order.created", 1), ("order.reviewed", 2), ("order.paid", 3), ("order.completed", 4),
    ]  # fmt: skip
