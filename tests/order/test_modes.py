"""Connected mode, and the door itself."""

import pytest
from fastapi import FastAPI

from chassis.database import Database
from order.app import build
from order.settings import OrderSettings
from testkit.databases import ServiceDatabase
from tests.order.builders import (
    ADMINISTRATOR,
    CANCEL,
    ORDERS,
    PARTNER,
    PAY,
    customer_principal,
    facts,
    keep_customer,
    line,
    payment,
    place,
)
from tests.order.caller import Caller
from tests.order.peer_double import PeerDouble

pytestmark = pytest.mark.postgres


async def test_in_connected_mode_no_command_is_carried_out_here(
    caller: Caller, database: Database, order_database: ServiceDatabase, peers: PeerDouble
) -> None:
    customer = await keep_customer(database)
    order = await place(caller, customer)
    held = await place(caller, customer, hold_for="review")
    before = await facts(database)
    settings = order_database.settings(
        OrderSettings, billing_url=peers.url, upstream_url="http://127.0.0.1:1"
    )
    app = build(settings)
    async with app.router.lifespan_context(app), Caller(app) as connected:
        own = customer_principal(customer)
        wanted = {"customer_id": customer, "lines": [line()]}
        decided = {"decision": "approve"}
        answers = [
            await connected.post(PARTNER, "/api/orders", wanted),
            await connected.post(ADMINISTRATOR, f"/api/orders/{held['order_id']}/review", decided),
            await connected.post(own, PAY, payment(order["order_id"])),
            await connected.put(own, CANCEL, {"order_id": order["order_id"]}),
        ]
        assert [answer.status_code for answer in answers] == [501] * 4
        assert {"CHB.0002"} == {
            answer.json().get("code") or answer.json()["error_code"] for answer in answers
        }
        assert (await connected.get(PARTNER, ORDERS)).json()["total_count"] == 2
    assert await facts(database) == before


async def test_without_the_signed_identity_nothing_is_answered(app: FastAPI) -> None:
    async with Caller(app) as caller:
        answer = await caller._client.get(ORDERS)
    assert (answer.status_code, answer.json()["error_code"]) == (401, "CBC.0154")
