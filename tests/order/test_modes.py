"""Connected mode, and the door itself."""

import pytest

from chassis.database import Database
from chassis.parts import ServiceApp
from order.app import build
from order.parts import OrderParts
from order.settings import OrderSettings
from testkit import outbox
from testkit.databases import ServiceDatabase
from testkit.door import ADMINISTRATOR, Door
from tests.order.builders import (
    CANCEL,
    ORDERS,
    PARTNER,
    PAY,
    customer_principal,
    keep_customer,
    line,
    payment,
    place,
)
from tests.order.peer_double import PeerDouble

pytestmark = pytest.mark.postgres


def test_a_sandbox_of_an_upstream_does_not_start(order_database: ServiceDatabase) -> None:
    """Break: take the validator away."""
    assert order_database.settings(OrderSettings).sandbox is False
    with pytest.raises(ValueError, match="SANDBOX is for a standalone system"):
        order_database.settings(OrderSettings, upstream_url="http://127.0.0.1:1", sandbox=True)


async def test_in_connected_mode_no_command_is_carried_out_here(
    door: Door, database: Database, order_database: ServiceDatabase, peers: PeerDouble
) -> None:
    customer = await keep_customer(database)
    order = await place(door, customer)
    held = await place(door, customer, hold_for="review")
    before = await outbox.stated(database)
    settings = order_database.settings(
        OrderSettings, billing_url=peers.url, upstream_url="http://127.0.0.1:1"
    )
    app = build(settings)
    async with app.router.lifespan_context(app), Door.of(app) as connected:
        own = customer_principal(customer)
        wanted = {"customer_id": customer, "lines": [line()]}
        decided = {"decision": "approve"}
        answers = [
            await connected.post("/api/orders", wanted, PARTNER),
            await connected.post(f"/api/orders/{held['order_id']}/review", decided, ADMINISTRATOR),
            await connected.post(PAY, payment(order["order_id"]), own),
            await connected.put(CANCEL, {"order_id": order["order_id"]}, own),
        ]
        assert [answer.status_code for answer in answers] == [501] * 4
        assert {"CHB.0002"} == {
            answer.json().get("code") or answer.json()["error_code"] for answer in answers
        }
        read = await connected.get(f"/api/orders/{order['order_id']}", PARTNER)
        assert read.status_code == 200
    assert await outbox.stated(database) == before


async def test_without_the_signed_identity_nothing_is_answered(app: ServiceApp[OrderParts]) -> None:
    async with Door.of(app) as door:
        answer = await door.send_unsigned("GET", ORDERS)
    assert (answer.status_code, answer.json()["error_code"]) == (401, "CBC.0154")
