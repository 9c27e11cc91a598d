"""The partner pays while the customer pays, cancels, withdraws; and crashes in between."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from chassis.clock import wall_now
from chassis.database import Database
from order.copies import Customer
from order.orders.models import Order
from order.payments.close_attempts import close_abandoned_attempts
from order.requests.models import PaymentRequest
from testkit import outbox
from testkit.door import Door
from tests.order.builders import CANCEL, PAY, attempts, keep_partner, payment
from tests.order.peer_double import Content, PeerDouble
from tests.order.test_payment_requests import (
    DONE,
    ENDED,
    HOLD,
    RUNNING,
    STATUS_CHANGED,
    ask,
    decide,
    new_order,
    withdraw,
)

pytestmark = pytest.mark.postgres


@pytest.fixture(autouse=True)
async def partner(database: Database) -> None:
    await keep_partner(database)


async def test_while_the_partner_pays_nobody_else_pays_cancels_or_withdraws(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    """Break: leave check_not_being_paid out of withdraw_request."""
    customer, order_id = await new_order(door, database)
    asked = await ask(door, order_id, customer)
    heard: list[Any] = []

    async def meanwhile(_: Content) -> None:
        del peers.before[HOLD]
        heard.append(told_of(await door.post(PAY, payment(order_id), customer)))
        heard.append(told_of(await door.put(CANCEL, {"order_id": order_id}, customer)))
        heard.append(await withdraw(door, order_id, customer))
        heard.append(await decide(door, asked["request_id"]))
        heard.append(await decide(door, asked["request_id"], "reject"))

    peers.before[HOLD] = meanwhile
    assert await decide(door, asked["request_id"]) == DONE
    assert heard == [(400, "CBC.99008040"), (400, "CBC.99005010"), RUNNING, RUNNING, RUNNING]
    assert [one.state for one in await attempts(database)] == ["paid"]


def told_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error_code"]


async def test_the_customer_that_pays_meanwhile_is_not_disturbed(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    customer, order_id = await new_order(door, database)
    asked = await ask(door, order_id, customer)
    heard: list[Any] = []

    async def meanwhile(_: Content) -> None:
        del peers.before[HOLD]
        heard.extend([await decide(door, asked["request_id"], what) for what in ("pay", "reject")])

    peers.before[HOLD] = meanwhile
    assert (await door.post(PAY, payment(order_id), customer)).status_code == 204
    assert heard == [RUNNING, RUNNING]
    assert await decide(door, asked["request_id"]) == STATUS_CHANGED


async def test_of_many_that_act_on_one_order_one_wins(door: Door, database: Database) -> None:
    """Customer's payments, the partner's, cancelling and withdrawing, all at once, many times."""
    for _ in range(6):
        customer, order_id = await new_order(door, database)
        asked = await ask(door, order_id, customer)
        answers: list[Any] = await asyncio.gather(
            *(decide(door, asked["request_id"]) for _ in range(4)),
            withdraw(door, order_id, customer),
            *(door.post(PAY, payment(order_id), customer) for _ in range(4)),
            door.put(CANCEL, {"order_id": order_id}, customer),
        )
        async with database.transaction() as session:
            order = await session.get_one(Order, order_id)
            request = await session.get_one(PaymentRequest, asked["request_id"])
        paid = [one for one in await attempts(database)
                if one.order_id == order_id and one.state == "paid"]  # fmt: skip
        by_partner = [one for one in answers[:4] if one == DONE]
        by_customer = [one for one in answers[5:9] if one.status_code == 204]
        cancelled = answers[9].status_code == 204
        assert len(by_partner) + len(by_customer) + cancelled == 1
        assert len(paid) == len(by_partner) + len(by_customer)
        assert order.status == (4 if cancelled else 3)
        assert (order.paying_partner_id is not None) == bool(by_partner) or cancelled
        assert (request.status == "paid") == bool(by_partner)
        assert order.payment_request_id is None
        allowed = {RUNNING, STATUS_CHANGED, ENDED, DONE, (204, "")}
        assert set(answers[:5]) <= allowed


async def test_an_attempt_that_a_crash_left_open_ends_and_the_request_stays(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    customer, order_id = await new_order(door, database)
    asked = await ask(door, order_id, customer)
    closed: list[str] = []

    async def crash(_: Content) -> None:
        await close_abandoned_attempts(30)(database, wall_now() + timedelta(seconds=31))
        closed.extend(await outbox.types(database))

    peers.before[HOLD] = crash
    assert await decide(door, asked["request_id"]) == STATUS_CHANGED
    del peers.before[HOLD]
    assert closed[-1] == "order.payment_failed"
    fact = (await outbox.bodies(database, "order.payment_failed"))[-1]
    assert (fact["paying_partner_id"], fact["reason_code"]) == ("p1", "CHB.0503")
    assert await decide(door, asked["request_id"]) == DONE


async def test_an_association_that_ends_while_the_partner_pays_fails_the_attempt(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    customer, order_id = await new_order(door, database)
    asked = await ask(door, order_id, customer)

    async def leave(_: Content) -> None:
        async with database.transaction() as session:
            await session.execute(update(Customer).values(partner_id="p2"))

    peers.before[HOLD] = leave
    assert await decide(door, asked["request_id"]) == STATUS_CHANGED
    assert (await outbox.types(database))[-1] == "order.payment_failed"
    assert [one.state for one in await attempts(database)] == ["failed"]
