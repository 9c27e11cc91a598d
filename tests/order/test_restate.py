"""Orders and resources stated again are what was stated last, whatever became of them."""

import pytest

from chassis.database import Database
from order.orders.restate_orders import ORDERS
from order.provisioning.complete_orders import complete_orders
from order.resources.provider import SimulatedProvider
from order.resources.restate_resources import RESOURCES
from testkit import outbox
from testkit.clock import StandingClock
from testkit.door import Door
from tests.order.builders import (
    CANCEL,
    PAY,
    customer_principal,
    keep_customer,
    line,
    payment,
    place,
)
from tests.restating import differences, restated

pytestmark = pytest.mark.postgres


async def test_what_is_stated_anew_is_what_was_stated_last(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer_id = await keep_customer(database)
    customer = customer_principal(customer_id)
    placed = [await place(door, customer_id, [line(quantity=3)]) for _ in range(3)]
    await place(door, customer_id, hold_for="review")
    paid = await door.post(PAY, payment(placed[0]["order_id"]), customer)
    assert paid.is_success, paid.text
    cancelled = await door.put(CANCEL, {"order_id": placed[1]["order_id"]}, customer)
    assert cancelled.is_success, cancelled.text
    await complete_orders(database, SimulatedProvider(), clock.now.replace(year=2027))
    before = await outbox.stated(database)

    orders = await restated(database, ORDERS)
    assert {event.TYPE for event in orders} == {"order.created"}
    assert {event.status for event in orders} == {1, 4, 5, 6}  # type: ignore[attr-defined]
    stated = [body for kind, body in before if kind.startswith("order.")]
    assert differences(orders, stated) == {}

    resources = await restated(database, RESOURCES)
    assert {event.TYPE for event in resources} == {"resource.opened"}
    assert len(resources) == 3
    stated = [body for kind, body in before if kind.startswith("resource.")]
    assert differences(resources, stated) == {}
    assert await outbox.stated(database) == before
