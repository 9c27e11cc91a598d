"""Several orders of one customer, placed together or not at all."""

from typing import Any

import pytest

from chassis.database import Database
from testkit import outbox
from testkit.door import Door
from tests.order.builders import PARTNER, keep_customer, line

pytestmark = pytest.mark.postgres

BATCH = "/api/orders/batch"


async def _place(door: Door, customer: str, orders: list[dict[str, Any]]) -> Any:
    return await door.post(BATCH, {"customer_id": customer, "orders": orders}, PARTNER)


async def test_each_gets_its_own_lines_price_status_and_id_in_the_order_asked(
    door: Door, database: Database
) -> None:
    customer = await keep_customer(database)
    two = {"lines": [line(quantity=2), line(period_num=3)]}
    answer = await _place(door, customer, [two, {"lines": [line()], "hold_for": "review"}])
    assert answer.status_code == 201, answer.text
    first, second = answer.json()["orders"]
    assert (first["status"], second["status"]) == (6, 1)
    assert [one["quantity"] for one in first["lines"]] == [2, 1]
    assert [one["period_num"] for one in first["lines"]] == [1, 3]
    assert len(second["lines"]) == 1
    assert (first["official_amount"], second["official_amount"]) == ("500.00", "100.00")
    assert first["order_id"] < second["order_id"]
    stated = await outbox.stated(database)
    assert [(kind, body["order_id"]) for kind, body in stated] == [
        ("order.created", first["order_id"]),
        ("order.created", second["order_id"]),
    ]


async def test_one_that_cannot_be_placed_lets_none_be_placed(
    door: Door, database: Database
) -> None:
    customer = await keep_customer(database)
    wrong = {"lines": [line(period_num=None)]}
    answer = await _place(door, customer, [{"lines": [line()]}, wrong])
    assert (answer.status_code, answer.json()["code"]) == (400, "CBC.0100")
    assert await outbox.types(database) == []


@pytest.mark.parametrize(("orders", "lines"), [(21, 1), (6, 17), (0, 0)])
async def test_more_than_twenty_or_more_than_a_hundred_lines_are_refused(
    door: Door, database: Database, orders: int, lines: int
) -> None:
    customer = await keep_customer(database)
    answer = await _place(door, customer, [{"lines": [line()] * lines}] * orders)
    assert (answer.status_code, answer.json()["code"]) == (400, "CBC.0100")
    assert await outbox.types(database) == []
