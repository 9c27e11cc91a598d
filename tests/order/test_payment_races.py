"""Who pays an order while it is cancelled, expires, or gets another price, all at once.

The other meetings: test_pay_order.py (several payers), test_payment_request_races.py (the partner),
test_refund_races.py, test_renew_due.py.
"""

import asyncio
import random
from datetime import timedelta

import pytest

from chassis.database import Database
from order.orders.expire_orders import expire_orders
from testkit import outbox
from testkit.clock import StandingClock
from testkit.door import Door
from tests.order.builders import (
    CANCEL,
    PARTNER,
    PAY,
    customer_principal,
    keep_customer,
    payment,
    place,
)
from tests.order.peer_double import Content, PeerDouble

pytestmark = pytest.mark.postgres

ORDERS = 12
SEED = 11
PAID, ENDED = "order.paid", ("order.cancelled", "order.expired")
REFUSALS = {"CBC.99003106", "CBC.99003110", "CBC.99008040", "CBC.99005010"}


async def test_an_order_is_paid_or_ended_and_at_the_price_it_has_then(
    door: Door, database: Database, clock: StandingClock, peers: PeerDouble
) -> None:
    """Break: cancel, expire or adjust without a look for open attempts, or read before the lock."""
    customer = await keep_customer(database)
    itself = customer_principal(customer)
    orders = [str((await place(door, customer))["order_id"]) for _ in range(ORDERS)]
    deadline, chance = clock.now + timedelta(days=7), random.Random(SEED)

    begun = asyncio.Event()

    async def a_moment(_: Content) -> None:
        begun.set()
        await asyncio.sleep(chance.random() / 50)

    peers.before["/internal/holds"] = a_moment
    adjusted = {"amount_after_discount": "80.00", "reason": "x"}

    async def at_once(order_id: str) -> set[str]:
        """The codes of what was refused."""
        asked = [
            door.post(PAY, payment(order_id), itself),
            door.put(CANCEL, {"order_id": order_id}, itself),
            door.post(f"/api/orders/{order_id}/price-adjustment", adjusted, PARTNER),
        ]
        chance.shuffle(asked)
        refusals = [one.json() for one in await asyncio.gather(*asked) if not one.is_success]
        return {one.get("error_code", one.get("code")) for one in refusals}

    all_at_once = asyncio.gather(*(at_once(one) for one in orders))
    await asyncio.wait_for(begun.wait(), 60)  # else all of them expire before anything is read
    await expire_orders(database, deadline)
    refused = set().union(*await all_at_once)
    assert refused <= REFUSALS, refused

    told: dict[str, list[str]] = {one: [] for one in orders}
    price = dict.fromkeys(orders, "85.00")
    for fact in await outbox.stated(database):
        order_id = fact.body["order_id"]
        told[order_id].append(fact.type)
        if fact.type == "order.repriced":
            price[order_id] = fact.body["amount_after_discount"]
        if fact.type == PAID:
            assert fact.body["cash_amount"] == price[order_id]
    ends = [[kind for kind in kinds if kind == PAID or kind in ENDED] for kinds in told.values()]
    assert [len(one) for one in ends] == [1] * ORDERS, told
    assert len({one[0] for one in ends}) > 1, "they do not meet"
