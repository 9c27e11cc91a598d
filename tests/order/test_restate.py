"""Orders and resources stated again are what was stated last, whatever became of them."""

import pytest

from chassis.database import Database
from order.orders.restate_orders import ORDERS
from order.resources.complete_orders import complete_orders
from order.resources.restate_resources import RESOURCES
from tests.order.builders import (
    CANCEL,
    PAY,
    customer_principal,
    facts,
    keep_customer,
    line,
    payment,
    place,
)
from tests.order.caller import Caller
from tests.order.conftest import SetClock
from tests.restating import differences, restated

pytestmark = pytest.mark.postgres


async def test_what_is_stated_anew_is_what_was_stated_last(
    caller: Caller, database: Database, clock: SetClock
) -> None:
    customer_id = await keep_customer(database)
    customer = customer_principal(customer_id)
    placed = [await place(caller, customer_id, [line(quantity=3)]) for _ in range(3)]
    await place(caller, customer_id, hold_for="review")
    paid = await caller.post(customer, PAY, payment(placed[0]["order_id"]))
    assert paid.is_success, paid.text
    cancelled = await caller.put(customer, CANCEL, {"order_id": placed[1]["order_id"]})
    assert cancelled.is_success, cancelled.text
    await complete_orders(database, clock.now.replace(year=2027))
    before = await facts(database)

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
    assert await facts(database) == before
