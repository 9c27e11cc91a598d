"""What waits for payment ends with the association, and an ended association pays nothing."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from chassis.business_clock import BusinessClock
from chassis.clock import wall_now
from chassis.database import Database
from contracts.customer import CustomerAssociated, CustomerAssociationChanged, CustomerUnlinked
from contracts.event import Event
from order.orders.end_with_association import end_orphaned_orders
from order.orders.models import Order
from order.payments.close_attempts import close_abandoned_attempts
from testkit import outbox
from testkit.clock import NOON, StandingClock
from testkit.door import Door
from tests.order.builders import (
    PARTNER,
    PAY,
    attempts,
    customer_principal,
    hear,
    keep_customer,
    line,
    payment,
    place,
)
from tests.order.peer_double import Content, PeerDouble
from tests.order.test_pay_order import open_attempt

pytestmark = pytest.mark.postgres

HOLD, RESERVE = "/internal/holds", "/internal/reservations"


def fact(contract: type[Event], customer_id: str, **more: Any) -> Event:
    """A fact about the customer that `keep_customer` made."""
    state = {
        "occurred_at": NOON, "partner_id": "p1", "version": 2, "customer_id": customer_id,
        "account_name": "an_account", "site": "china", "currency": "CNY",
        "association_type": "2", "association_status": "associated", "registered_at": NOON,
    }  # fmt: skip
    return contract(**state | more)


def unlinked(customer_id: str, **more: Any) -> Event:
    """It left its partner."""
    return fact(CustomerUnlinked, customer_id, association_status="unlinked", **more)


async def statuses(database: Database) -> list[tuple[int, str | None]]:
    """Status and end of each order, oldest first."""
    async with database.transaction() as session:
        found = await session.scalars(select(Order).order_by(Order.order_id))
        return [(order.status, order.end_reason) for order in found]


@pytest.mark.parametrize(
    ("contract", "change"),
    [
        (CustomerUnlinked, {"association_status": "unlinked"}),
        (CustomerAssociationChanged, {"association_type": "1"}),
        (CustomerAssociated, {"partner_id": "p2"}),
    ],
)
async def test_what_waits_ends_with_the_association_and_what_is_paid_goes_on(
    door: Door, database: Database, contract: type[Event], change: dict[str, Any]
) -> None:
    customer, other = await keep_customer(database), await keep_customer(database)
    ids = {
        hold: (await place(door, customer, hold_for=hold))["order_id"]
        for hold in ("review", "confirmation", "payment")
    }
    paid = await place(door, customer)
    await door.post(PAY, payment(paid["order_id"]), customer_principal(customer))
    untouched = await place(door, other)
    await hear(database, fact(contract, customer, **change))
    async with database.transaction() as session:
        orders = {order.order_id: order for order in await session.scalars(select(Order))}
    assert {orders[id_].end_reason for id_ in ids.values()} == {"association_ended"}
    assert {orders[id_].status for id_ in ids.values()} == {4}
    assert orders[paid["order_id"]].status == 3
    assert orders[untouched["order_id"]].status == 6
    ended = [body for kind, body in await outbox.stated(database) if kind == "order.cancelled"]
    assert {(body["order_id"], body["end_reason"]) for body in ended} == {
        (order_id, "association_ended") for order_id in ids.values()
    }
    again = await door.post(PAY, payment(ids["payment"]), customer_principal(customer))
    assert again.status_code == 400


async def test_a_customer_told_anew_ends_nothing(door: Door, database: Database) -> None:
    customer = await keep_customer(database)
    await place(door, customer)
    await hear(database, unlinked(customer).model_copy(update={"restated": True}))
    assert await outbox.types(database) == ["order.created"]


async def test_an_ended_association_pays_nothing_and_its_orders_are_found_by_schedule(
    door: Door, database: Database, clock: StandingClock, peers: PeerDouble
) -> None:
    """As the releases before left them: pending, and the customer is nobody's."""
    customer = await keep_customer(database)
    order = await place(door, customer)
    async with database.transaction() as session:
        await session.execute(text("UPDATE customers SET association_status = 'unlinked'"))
    answer = await door.post(PAY, payment(order["order_id"]), customer_principal(customer))
    assert (answer.status_code, answer.json()["error_code"]) == (400, "CBC.99003106")
    assert peers.asked(HOLD) == []
    assert await attempts(database) == []
    await end_orphaned_orders(database, clock.now)
    await end_orphaned_orders(database, clock.now)
    assert await statuses(database) == [(4, "association_ended")]
    assert await outbox.types(database) == ["order.created", "order.cancelled"]


async def test_more_orphaned_orders_than_a_portion_all_end_once_whoever_ends_them(
    door: Door, database: Database, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three replicas at once. Break: take the rows without locks."""
    monkeypatch.setattr("order.orders.end_with_association.PORTION_MAX", 2)
    customer = await keep_customer(database)
    for _ in range(5):
        await place(door, customer)
    await hear(database, unlinked(customer))
    await asyncio.gather(*(end_orphaned_orders(database, clock.now) for _ in range(3)))
    await end_orphaned_orders(database, clock.now)
    assert set(await statuses(database)) == {(4, "association_ended")}
    assert (await outbox.types(database)).count("order.cancelled") == 5


async def test_an_order_that_is_being_paid_ends_when_its_attempt_has_failed(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    await open_attempt(database, await place(door, customer), clock)
    await hear(database, unlinked(customer))
    await end_orphaned_orders(database, clock.now)
    assert await statuses(database) == [(6, None)]
    late = clock.now + timedelta(minutes=1)
    await close_abandoned_attempts(30)(database, wall_now() + timedelta(minutes=1))
    await end_orphaned_orders(database, late)
    assert await statuses(database) == [(4, "association_ended")]


async def test_an_association_that_ends_while_money_is_held_fails_the_payment(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    customer = await keep_customer(database)
    order = await place(door, customer)

    async def meanwhile(_: Content) -> None:
        await hear(database, unlinked(customer))

    peers.before[HOLD] = meanwhile
    answer = await door.post(PAY, payment(order["order_id"]), customer_principal(customer))
    assert (answer.status_code, answer.json()["error_code"]) == (400, "CBC.99003106")
    [attempt] = await attempts(database)
    assert attempt.state == "failed"
    assert await outbox.types(database) == ["order.created", "order.payment_failed"]


async def test_an_order_placed_while_its_customer_leaves_is_refused_or_ended(
    door: Door, database: Database
) -> None:
    """Whichever comes first: nothing that waits is left behind."""
    customers = [await keep_customer(database) for _ in range(6)]

    async def placed(customer: str) -> int:
        body = {"customer_id": customer, "lines": [line()]}
        return (await door.post("/api/orders", body, PARTNER)).status_code

    results = await asyncio.gather(
        *(placed(customer) for customer in customers for _ in range(3)),
        *(hear(database, unlinked(customer)) for customer in customers),
    )
    assert {status for status in results if status is not None} <= {201, 400}
    assert {status for status, _ in await statuses(database)} <= {4}


@pytest.mark.parametrize("ends", ["association", "grant"])
async def test_what_ends_while_billing_is_asked_for_a_price_refuses_the_order(
    door: Door, database: Database, peers: PeerDouble, ends: str
) -> None:
    customer = await keep_customer(database)
    statement = {
        "association": "UPDATE customers SET association_status = 'unlinked'",
        "grant": "UPDATE authorizations SET status = 'terminated'",
    }[ends]

    async def meanwhile(_: Content) -> None:
        async with database.transaction() as session:
            await session.execute(text(statement))

    peers.before["/internal/quotes"] = meanwhile
    body = {"customer_id": customer, "lines": [line()]}
    answer = await door.post("/api/orders", body, PARTNER)
    assert answer.status_code in (400, 403)
    assert answer.json()["code"] == {"association": "CBC.99000035", "grant": "CHB.1001"}[ends]
    assert await statuses(database) == []


async def test_a_second_attempt_tells_its_peers_which_ones_have_failed(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    customer = await keep_customer(database)
    order = await place(door, customer)
    peers.coupons = {"CP1": (1, "5.00")}
    body = payment(order["order_id"], "CP1")
    peers.refusals[HOLD] = (400, "CBC.99005003")
    await door.post(PAY, body, customer_principal(customer))
    await door.post(PAY, body, customer_principal(customer))
    peers.refusals.clear()
    assert (await door.post(PAY, body, customer_principal(customer))).status_code == 204
    *failed, last = [attempt.attempt_id for attempt in await attempts(database)]
    for path in (RESERVE, HOLD):
        told = [(asked["attempt_id"], asked["failed_attempt_ids"]) for asked in peers.asked(path)]
        assert told == [(failed[0], []), (failed[1], failed[:1]), (last, failed[::-1])], path


async def test_no_outcome_is_dated_before_its_attempt(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """The replica that closes what another left open may have a clock that lags behind."""
    customer = await keep_customer(database)
    await open_attempt(database, await place(door, customer), clock)
    lagging = BusinessClock(lambda: clock.now - timedelta(seconds=30), None)
    await close_abandoned_attempts(-60, lagging)(database, wall_now())
    [attempt] = await attempts(database)
    assert attempt.closed_at == attempt.opened_at
    stated = [
        body for kind, body in await outbox.stated(database) if kind == "order.payment_failed"
    ]
    assert stated[0]["occurred_at"] >= attempt.opened_at.isoformat().replace("+00:00", "Z")
