"""What jobs do: orders placed, resources given back and renewed, requests paid."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import ModuleType

import pytest
from sqlalchemy import select

from chassis import job_turns
from chassis.business_clock import BusinessClock
from chassis.database import Database
from order.approvals import NOTHING
from order.jobs.run_jobs import CLAIM, OrderJobs
from order.orders.models import Order
from order.payments import pay_order, reserve_payment
from order.payments.close_attempts import close_abandoned_attempts
from order.provisioning.complete_orders import complete_orders
from order.resources.models import Resource
from order.resources.provider import SimulatedProvider
from testkit import outbox
from testkit.clock import StandingClock
from testkit.door import Door
from tests.order.builders import (
    PAY,
    customer_principal,
    keep_customer,
    keep_partner,
    line,
    offer,
    payment,
)
from tests.order.peer_double import PeerDouble
from tests.order.renewal_builders import bought
from tests.order.resource_builders import HOURLY
from tests.order.test_change_resources import LARGE, SMALL
from tests.order.test_order_jobs import (
    HOLD,
    JOBS,
    PARTNER,
    App,
    items_of,
    pending,
    progress,
    run,
    start,
)

pytestmark = pytest.mark.postgres


@pytest.fixture(autouse=True)
async def partner(database: Database) -> None:
    await keep_partner(database)


async def opened(door: Door, database: Database, clock: StandingClock, customer: str) -> str:
    """A resource that was bought and paid."""
    [order_id] = await pending(door, customer, 1)
    await door.post(PAY, payment(order_id), customer_principal(customer))
    clock.now += timedelta(minutes=5)
    await complete_orders(database, SimulatedProvider(), clock.now)
    async with database.transaction() as session:
        return (await session.scalars(select(Resource.resource_id))).one()


async def test_orders_are_placed_by_a_job(
    app: App, door: Door, database: Database, clock: StandingClock
) -> None:
    customers = [await keep_customer(database) for _ in range(3)]
    stranger = await keep_customer(database, partner_id="p2")
    wanted = [{"customer_id": one, "lines": [line()]} for one in (*customers, stranger)]
    wanted.append({"customer_id": customers[0], "lines": [line()], "hold_for": "review"})
    job_id = await start(door, "place", wanted)
    await run(app, clock)
    assert await progress(door, job_id) == ("done", 4, 1, 0)
    shown = await items_of(door, job_id)
    assert shown[3]["code"] == "CBC.99000035"
    assert len({one["order_id"] for one in shown}) == 5
    async with database.transaction() as session:
        found = {o.order_id: o.status for o in await session.scalars(select(Order))}
    assert found == {one["order_id"]: 1 if one["position"] == 5 else 6
                     for one in shown if one["order_id"]}  # fmt: skip


async def test_orders_about_resources_are_placed_by_a_job_as_at_the_door(
    app: App, door: Door, database: Database, peers: PeerDouble, clock: StandingClock
) -> None:
    """Break: read each item as a `PlaceOrder`; leave `pay_before` out of what is kept."""
    customer = await keep_customer(database)
    peers.discount = Decimal("0.00")
    peers.prices = {SMALL: Decimal("32.20"), LARGE: Decimal("128.80")}
    renewing, changing = await bought(
        door, database, clock, customer, line(quantity=2, resource_spec_code=SMALL)
    )
    [by_use] = await bought(door, database, clock, customer, line(**HOURLY))
    month = {"customer_id": customer, "period_type": 2, "period_num": 1}
    until = clock.now + timedelta(days=1)
    wanted = [
        {**month, "order_type": 2, "resource_ids": [renewing], "pay_before": until.isoformat()},
        {"customer_id": customer, "order_type": 3, "resource_ids": [changing],
         "resource_spec_code": LARGE},
        {**month, "order_type": 11, "resource_ids": [by_use]},
        {**month, "order_type": 11, "resource_ids": [renewing]},
    ]  # fmt: skip
    job_id = await start(door, "place", wanted)
    await run(app, clock)
    shown = await items_of(door, job_id)
    assert [one["code"] for one in shown] == [None, None, None, "CBC.99003016"]
    async with database.transaction() as session:
        placed = [await session.get_one(Order, one["order_id"]) for one in shown[:3]]
    assert [(one.order_type, one.status) for one in placed] == [(2, 6), (3, 6), (11, 6)]
    assert (placed[0].pay_before, placed[1].lines[0].resource_spec_code) == (until, LARGE)


async def test_what_a_job_is_to_place_is_refused_as_at_the_door(door: Door) -> None:
    """Before anything of the job is done. Break: leave out `_check_order`."""
    month = {"customer_id": "c", "resource_ids": ["r"], "period_type": 2, "period_num": 1}
    changed = {"customer_id": "c", "order_type": 3, "resource_ids": ["r"]}
    for wanted, code, field in (
        ({**month, "order_type": 11, "lines": [line()]}, "CBC.0100", "items[1].lines"),
        ({"customer_id": "c", "order_type": 2, "resource_ids": ["r"]}, "CBC.0100",
         "items[1].period_num"),
        (changed, "CBC.0100", "items[1].body"),
        ({**month, "order_type": 2, "discount_id": "d", "contract_id": "d"}, "CBC.0100",
         "items[1].body"),
        ({**month, "order_type": 4}, "CBC.0101", "items[1].order_type"),
        ({**changed, "resource_spec_code": LARGE, "period_num": 1}, "CBC.0100",
         "items[1].period_num"),
    ):  # fmt: skip
        items = [{"customer_id": "c", "lines": [line()]}, wanted]
        answer = await door.post(JOBS, {"kind": "place", "items": items}, PARTNER)
        assert (answer.status_code, answer.json()["code"]) == (400, code), answer.text
        assert field in answer.json()["detail"], answer.text


async def test_resources_are_given_back_and_requests_paid_by_a_job(
    app: App, door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    asker = customer_principal(customer)
    resource_id = await opened(door, database, clock, customer)
    back = {"resource_ids": [resource_id], "unsubscribe_type": 1}
    unsubscribing = await start(door, "unsubscribe", [back, back])
    requests = []
    for one in await pending(door, customer, 3):
        asked = await door.post(f"/api/orders/{one}/payment-request", None, asker)
        requests.append({"request_id": asked.json()["request_id"]})
    paying = await start(door, "pay_requests", [*requests, requests[0], {"request_id": "x"}])
    await run(app, clock)
    clock.now += timedelta(seconds=5)  # the one that was asked for twice waited for the other
    await run(app, clock)
    assert await progress(door, unsubscribing) == ("done", 1, 1, 0)
    shown = await items_of(door, unsubscribing)
    assert {one["code"] for one in shown} == {None, "CBC.30000067"}
    assert await progress(door, paying) == ("done", 3, 2, 0)
    codes = Counter(one["code"] for one in await items_of(door, paying))
    assert codes == {None: 3, "CBC.99003106": 1, "CHB.0404": 1}


async def test_resources_are_renewed_by_a_job_and_paid_where_that_is_wanted(
    app: App, door: Door, database: Database, peers: PeerDouble, clock: StandingClock
) -> None:
    """Break: let an item that is to be paid succeed when its order is placed."""
    customer = await keep_customer(database)
    resource_id = await opened(door, database, clock, customer)
    month = {"resource_ids": [resource_id], "period_type": 2, "period_num": 1}
    peers.refusals[HOLD] = (400, "CBC.99005003")
    unpaid = await start(door, "renew", [{**month, "is_auto_pay": 1}])
    await run(app, clock)
    assert await progress(door, unpaid) == ("done", 0, 1, 0)
    [shown] = await items_of(door, unpaid)
    assert shown["code"] == "CBC.30050006"
    peers.refusals.clear()
    renewal = shown["order_id"]  # it is there, and waits for its payment
    assert (await door.post(PAY, payment(renewal), customer_principal(customer))).is_success
    clock.now += timedelta(minutes=5)
    await complete_orders(database, SimulatedProvider(), clock.now)

    placed = await start(door, "renew", [{**month, "is_auto_pay": 1}])
    await run(app, clock)
    await run(app, clock)
    assert await progress(door, placed) == ("done", 1, 0, 0)
    async with database.transaction() as session:
        order = await session.get_one(Order, (await items_of(door, placed))[0]["order_id"])
    assert (order.order_type, order.status) == (2, 3)

    switched = await start(door, "auto_renewal", [{"resource_id": resource_id}])
    await run(app, clock)
    assert await progress(door, switched) == ("done", 1, 0, 0)
    async with database.transaction() as session:
        assert (await session.get_one(Resource, resource_id)).expire_policy == 3


@pytest.mark.parametrize(
    ("module", "point"),
    [(job_turns, "order.item_done"), (pay_order, "order.attempted"),
     (reserve_payment, "order.held"), (pay_order, "order.settled")],
)  # fmt: skip
async def test_a_renewal_whose_job_is_killed_is_placed_once_paid_once_and_has_succeeded(
    app: App, door: Door, database: Database, peers: PeerDouble, clock: StandingClock,
    monkeypatch: pytest.MonkeyPatch, module: ModuleType, point: str,
) -> None:  # fmt: skip
    """Wherever it is killed. Its discount is chosen where it is placed.

    Break: leave `beside` out of the payment's transaction; or place an order whatever the item
    names; or end the attempt of an item that was taken up.
    """
    customer = await keep_customer(database)
    resource_id = await opened(door, database, clock, customer)
    peers.offers = [offer("D3", 3, "17.00")]
    month = {"resource_ids": [resource_id], "period_type": 2, "period_num": 1, "is_auto_pay": 1}
    job_id = await start(door, "renew", [month])
    before = len(await outbox.types(database))

    def die(passed: str) -> None:
        if passed == point:
            raise asyncio.CancelledError

    now = BusinessClock(clock, None).now
    jobs = OrderJobs(app.parts.database, app.parts.peers, now, lambda _: None, NOTHING)
    with monkeypatch.context() as dying:
        dying.setattr(module, "crash_point", die)
        with pytest.raises(asyncio.CancelledError):
            await jobs.run()
    kept = (0, 1) if point != "order.settled" else (1, 0)
    assert await progress(door, job_id) == ("running", kept[0], 0, kept[1])
    for _ in range(2):
        await jobs.run()  # in the claim nobody takes it up; then a payment may be under way
        clock.now += CLAIM
    await close_abandoned_attempts(0)(database, datetime.now(UTC) + timedelta(seconds=1))
    for _ in range(2):
        clock.now += CLAIM
        await jobs.run()
    assert await progress(door, job_id) == ("done", 1, 0, 0)
    told = [kind for kind in (await outbox.types(database))[before:] if "failed" not in kind]
    assert told == ["order.created", "order.repriced", "order.paid"]
    assert (await outbox.bodies(database, "order.paid"))[-1]["cash_amount"] == "68.00"
