"""Review, cancellation, expiry, provisioning: how an order goes on and ends.

See docs/domain/orders.md B.5.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from chassis.database import Database
from chassis.parts import ServiceApp
from order.orders.being_paid import without_open_attempts
from order.orders.expire_orders import expire_orders
from order.orders.models import Order, OrderNotPayableError, PaymentAttempt
from order.parts import OrderParts
from order.provisioning.complete_orders import Provisioning, complete_orders
from order.resources.models import Resource
from order.resources.provider import SimulatedProvider
from testkit import audit, outbox
from testkit.clock import StandingClock
from testkit.door import ADMINISTRATOR, Door
from tests.order.builders import (
    CANCEL,
    MORNING,
    ORDERS,
    PARTNER,
    PAY,
    customer_principal,
    keep_customer,
    line,
    payment,
    place,
)

pytestmark = pytest.mark.postgres


async def status_of(door: Door, order: dict[str, Any]) -> int:
    answer = await door.get(f"/api/orders/{order['order_id']}", PARTNER)
    return int(answer.json()["status"])


async def decide(door: Door, order: dict[str, Any], decision: str, **more: Any) -> Any:
    principal = more.get("principal", ADMINISTRATOR)
    path = f"/api/orders/{order['order_id']}/review"
    return await door.post(path, {"decision": decision}, principal)


@pytest.mark.parametrize("hold_for", ["review", "confirmation"])
async def test_an_approved_order_has_seven_days_from_then_on(
    door: Door, database: Database, clock: StandingClock, hold_for: str
) -> None:
    order = await place(door, await keep_customer(database), hold_for=hold_for)
    clock.now += timedelta(days=20)
    approved = await decide(door, order, "approve")
    assert approved.status_code == 200
    assert approved.json()["status"] == 6
    assert approved.json()["pay_until"] == "2026-12-20T02:00:00Z"
    stated, body = (await outbox.stated(database))[-1]
    assert (stated, body["status"], body["version"]) == ("order.reviewed", 6, 2)
    assert (await audit.deeds(database))[-1] == ("order.review", order["order_id"])


async def test_a_refused_order_is_cancelled_and_both_facts_are_stated_in_turn(
    door: Door, database: Database
) -> None:
    order = await place(door, await keep_customer(database), hold_for="review")
    refused = await decide(door, order, "refuse")
    assert (refused.json()["status"], refused.json()["end_reason"]) == (4, "refused")
    known = [
        (stated, body["status"], body["version"]) for stated, body in await outbox.stated(database)
    ]
    assert known[1:] == [("order.reviewed", 4, 2), ("order.cancelled", 4, 3)]


async def test_only_the_administrator_decides_and_only_once(door: Door, database: Database) -> None:
    order = await place(door, await keep_customer(database), hold_for="review")
    by_partner = await decide(door, order, "approve", principal=PARTNER)
    assert (by_partner.status_code, by_partner.json()["code"]) == (403, "CBC.0151")
    assert (await decide(door, order, "approve")).status_code == 200
    again = await decide(door, order, "refuse")
    assert (again.status_code, again.json()["code"]) == (409, "CHB.0409")
    nowhere = await decide(door, {"order_id": "CS0"}, "approve")
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "CHB.0404")
    unknown = await decide(door, order, "perhaps")
    assert (unknown.status_code, unknown.json()["code"]) == (400, "CBC.0101")
    assert await outbox.types(database) == ["order.created", "order.reviewed"]


async def test_a_customer_cancels_its_pending_order_once(door: Door, database: Database) -> None:
    customer = await keep_customer(database)
    order = await place(door, customer)
    principal, body = customer_principal(customer), {"order_id": order["order_id"].lower()}
    cancelled = await door.put(CANCEL, body, principal)
    assert (cancelled.status_code, cancelled.content) == (204, b"")
    again = await door.put(CANCEL, body, principal)
    assert (again.status_code, again.json()["error_code"]) == (400, "CBC.99005010")
    assert set(again.json()) == {"error_code", "error_msg"}
    paid = await door.post(PAY, payment(order["order_id"]), principal)
    assert paid.json()["error_code"] == "CBC.99003106"
    assert await outbox.types(database) == ["order.created", "order.cancelled"]


async def test_what_is_not_pending_or_not_ones_own_cannot_be_cancelled(
    door: Door, database: Database
) -> None:
    customer, stranger = await keep_customer(database), await keep_customer(database)
    held = await place(door, customer, hold_for="review")
    combined = await place(door, customer, [line(), line("hws.service.type.ebs")])
    before = await outbox.stated(database)
    for principal, order_id, status, code in (
        (customer_principal(customer), held["order_id"], 400, "CBC.99005010"),
        (customer_principal(stranger), combined["order_id"], 400, "CBC.30000010"),
        (customer_principal(customer), "CS0", 400, "CBC.30000010"),
        (customer_principal(customer), combined["lines"][1]["member_order_id"], 400,
         "CBC.99000089"),
        (customer_principal(customer), "", 400, "CBC.0100"),
        (PARTNER, combined["order_id"], 403, "CBC.0151"),
    ):  # fmt: skip
        answer = await door.put(CANCEL, {"order_id": order_id}, principal)
        assert (answer.status_code, answer.json()["error_code"]) == (status, code)
    assert await outbox.stated(database) == before


async def test_overdue_orders_expire_at_their_deadline_in_portions(
    door: Door, database: Database, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("order.orders.expire_orders.PORTION_MAX", 2)
    customer = await keep_customer(database)
    orders = [await place(door, customer) for _ in range(5)]
    deadline = clock.now + timedelta(days=7)
    await expire_orders(database, deadline - timedelta(microseconds=1))
    assert {await status_of(door, order) for order in orders} == {6}

    await asyncio.gather(*(expire_orders(database, deadline) for _ in range(3)))
    await expire_orders(database, deadline)
    assert {await status_of(door, order) for order in orders} == {4}
    assert (await outbox.types(database))[5:] == ["order.expired"] * 5
    paid = await door.post(PAY, payment(orders[0]["order_id"]), customer_principal(customer))
    assert paid.json()["error_code"] == "CBC.99003110"


async def test_an_order_being_paid_at_its_deadline_is_left_to_its_attempt(
    door: Door, database: Database, clock: StandingClock
) -> None:
    order = await place(door, await keep_customer(database))
    async with database.transaction() as session:
        session.add(
            PaymentAttempt(
                attempt_id="a", order_id=order["order_id"], customer_id=order["customer_id"],
                partner_id="p1", state="open", coupons=[], opened_at=clock.now,
            )
        )  # fmt: skip
    await expire_orders(database, clock.now + timedelta(days=8))
    assert await status_of(door, order) == 6


async def test_a_paid_order_is_provisioned_when_its_time_has_passed(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    clock.now = datetime(2027, 1, 31, 3, 0, tzinfo=UTC)
    lines = [
        line(quantity=2),
        line("hws.service.type.ebs", period_type=3),
        line("hws.service.type.obs", charging_mode=3, period_type=None, period_num=None),
    ]
    order = await place(door, customer, lines)
    principal = customer_principal(customer)
    assert (await door.post(PAY, payment(order["order_id"]), principal)).status_code == 204

    await complete_orders(database, SimulatedProvider(), clock.now + timedelta(seconds=1.9))
    assert await status_of(door, order) == 3
    later = clock.now + timedelta(seconds=2)
    await asyncio.gather(*(complete_orders(database, SimulatedProvider(), later) for _ in range(3)))

    assert await status_of(door, order) == 5
    known = await outbox.stated(database)
    assert [stated for stated, _ in known[2:]] == [
        *["resource.opened"] * 4, "order.provisioned", "order.completed",
    ]  # fmt: skip
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
    detail = await door.get(f"{ORDERS}/details/{order['order_id']}", principal)
    item = detail.json()["order_line_items"][0]
    assert (item["effective_time"], item["expire_time"]) == (
        "2027-01-31T03:00:02Z", "2027-02-28T15:59:59Z",
    )  # fmt: skip


async def test_an_order_paid_here_is_completed_at_once_when_due_one_paid_elsewhere_soon(
    app: ServiceApp[OrderParts], door: Door, database: Database, clock: StandingClock
) -> None:
    here: Provisioning = app.parts.provisioning
    elsewhere = Provisioning(SimulatedProvider())
    customer = await keep_customer(database)
    for replica in (here, elsewhere):
        await replica.work(database, clock.now)
    first, second = await place(door, customer), await place(door, customer)
    for order, seconds in ((first, 1), (second, 2)):
        clock.now += timedelta(seconds=seconds)
        await door.post(PAY, payment(order["order_id"]), customer_principal(customer))

    clock.now += timedelta(seconds=1)  # 3 s after the first, 1 s after the second
    await elsewhere.work(database, clock.now)
    assert await status_of(door, first) == 3
    await here.work(database, clock.now)
    assert [await status_of(door, order) for order in (first, second)] == [5, 3]
    clock.now += timedelta(seconds=1)  # less than a look after the last one
    await here.work(database, clock.now)
    assert await status_of(door, second) == 5

    third = await place(door, customer)
    await door.post(PAY, payment(third["order_id"]), customer_principal(customer))
    clock.now += timedelta(seconds=5)
    await elsewhere.work(database, clock.now)
    assert await status_of(door, third) == 5


async def test_each_fact_of_an_order_has_the_next_version(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    order = await place(door, customer, hold_for="confirmation")
    await decide(door, order, "approve")
    await door.post(PAY, payment(order["order_id"]), customer_principal(customer))
    await complete_orders(database, SimulatedProvider(), clock.now + timedelta(minutes=1))
    versions = [
        (stated, body["version"])
        for stated, body in await outbox.stated(database)
        if stated.startswith("order.")
    ]
    assert versions == [
        ("order.created", 1), ("order.reviewed", 2), ("order.paid", 3),
        ("order.provisioned", 4), ("order.completed", 5),
    ]  # fmt: skip


async def test_an_order_is_paid_while_it_is_pending_alone(door: Door, database: Database) -> None:
    """Whatever ended it since its attempt began. Break: let `Order.pay` look at no status."""
    order = await place(door, await keep_customer(database))
    async with database.transaction() as session:
        known = await session.get_one(Order, order["order_id"])
        known.expire(known.pay_until or MORNING)
        with pytest.raises(OrderNotPayableError):
            known.pay(Decimal("85.00"), Decimal("0.00"), MORNING)


async def test_an_attempt_that_came_while_the_lock_was_waited_for_is_seen(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """The orders were found and locked; then their attempts are looked at once more."""
    customer = await keep_customer(database)
    first, second = [await place(door, customer) for _ in range(2)]
    async with database.transaction() as session:
        orders = (await session.scalars(select(Order).order_by(Order.order_id))).all()
        session.add(
            PaymentAttempt(
                attempt_id="a", order_id=first["order_id"], customer_id=customer,
                partner_id="p1", state="open", coupons=[], opened_at=clock.now,
            )
        )  # fmt: skip
        await session.flush()
        left = await without_open_attempts(session, orders)
    assert [order.order_id for order in left] == [second["order_id"]]
