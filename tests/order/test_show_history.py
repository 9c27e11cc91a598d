"""GET /api/orders/{id}/history: every fact that was stated, in its own transaction."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select

from chassis.database import Database
from chassis.identity import Principal
from order.orders.changes import OrderChange
from order.orders.expire_orders import expire_orders
from order.orders.restate_orders import ORDERS
from order.provisioning.complete_orders import complete_orders
from order.resources.provider import SimulatedProvider
from testkit import outbox
from testkit.clock import StandingClock
from testkit.door import Door
from tests.order.builders import (
    CANCEL,
    DISTRIBUTOR,
    OTHER_PARTNER,
    PARTNER,
    PAY,
    RESELLER,
    customer_principal,
    keep_customer,
    payment,
    place,
)
from tests.order.peer_double import PeerDouble

pytestmark = pytest.mark.postgres

HOLD = "/internal/holds"
ADMINISTRATOR = Principal(id="administrator", kind="administrator", partner_id="*")


async def history(door: Door, order_id: str, principal: Principal = PARTNER) -> list[Any]:
    answer = await door.get(f"/api/orders/{order_id}/history", principal)
    assert answer.status_code == 200, answer.text
    shown: list[Any] = answer.json()["history"]
    return shown


def steps(shown: list[Any]) -> list[tuple[Any, ...]]:
    return [(one["event"], one["from_status"], one["to_status"], one["by"]) for one in shown]


async def test_an_order_tells_what_became_of_it_and_why_a_payment_failed(
    door: Door, database: Database, peers: PeerDouble, clock: StandingClock
) -> None:
    """Break: leave note_change out of order_fact."""
    customer = await keep_customer(database)
    order = await place(door, customer, hold_for="review")
    order_id = order["order_id"]
    answer = await door.post(f"/api/orders/{order_id}/review", {"decision": "approve"},
                             ADMINISTRATOR)  # fmt: skip
    assert answer.status_code == 200
    peers.refusals[HOLD] = (400, "CBC.99005003")
    await door.post(PAY, payment(order_id), customer_principal(customer))
    peers.refusals.clear()
    clock.now += timedelta(hours=1)
    paid = await door.post(PAY, payment(order_id), customer_principal(customer))
    assert paid.status_code == 204
    clock.now += timedelta(hours=1)
    await complete_orders(database, SimulatedProvider(), clock.now)

    shown = await history(door, order_id.lower())

    assert steps(shown) == [
        ("order.created", None, 1, "op-1"),
        ("order.reviewed", 1, 6, "administrator"),
        ("order.payment_failed", 6, 6, customer),
        ("order.paid", 6, 3, customer),
        ("order.provisioned", 3, 3, "system"),
        ("order.completed", 3, 5, "system"),
    ]
    assert [one["code"] for one in shown] == [None, None, "CBC.99005003", None, None, None]
    assert shown[3]["at"] == "2026-11-23T03:00:00Z"
    assert [one["event"] for one in shown] == [
        kind for kind in await outbox.types(database) if kind.startswith("order.")
    ]


async def test_a_refused_command_leaves_no_history(door: Door, database: Database) -> None:
    customer = await keep_customer(database)
    order = await place(door, customer)
    before = await history(door, order["order_id"])
    stranger = await keep_customer(database)
    refused = await door.put(CANCEL, {"order_id": order["order_id"]}, customer_principal(stranger))
    assert refused.status_code == 400
    assert await history(door, order["order_id"]) == before


async def test_why_an_order_ended_is_told(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    cancelled, expired = await place(door, customer), await place(door, customer)
    done = await door.put(
        CANCEL,
        {"order_id": cancelled["order_id"]},
        customer_principal(customer, acting_for_partner="p1", operator_id="op-2"),
    )
    assert done.status_code == 204, done.text
    clock.now += timedelta(days=7)
    await expire_orders(database, clock.now)
    first = (await history(door, cancelled["order_id"]))[-1]
    second = (await history(door, expired["order_id"]))[-1]
    assert (first["event"], first["to_status"], first["detail"], first["by"]) == (
        "order.cancelled", 4, "cancelled", "op-2",
    )  # fmt: skip
    assert (second["event"], second["detail"], second["by"]) == (
        "order.expired", "expired", "system",
    )  # fmt: skip
    # Which of its operators acted is the partner's own matter.
    [*_, read] = await history(door, cancelled["order_id"], customer_principal(customer))
    assert read["by"] == "p1"


async def test_an_order_of_a_release_before_tells_what_its_columns_know(
    door: Door, database: Database, peers: PeerDouble, clock: StandingClock
) -> None:
    """Break: answer the kept rows alone."""
    customer = await keep_customer(database)
    order_id = (await place(door, customer))["order_id"]
    peers.refusals[HOLD] = (400, "CBC.99005003")
    clock.now += timedelta(minutes=1)
    await door.post(PAY, payment(order_id), customer_principal(customer))
    peers.refusals.clear()
    async with database.transaction() as session:
        await session.execute(delete(OrderChange))
    clock.now += timedelta(hours=1)
    await door.post(PAY, payment(order_id), customer_principal(customer))
    shown = await history(door, order_id)
    assert steps(shown) == [
        ("order.created", None, 6, None),
        ("order.payment_failed", 6, 6, None),
        ("order.paid", 6, 3, customer),
    ]
    assert shown[1]["code"] == "CBC.99005003"

    async with database.transaction() as session:
        await session.execute(delete(OrderChange))
    assert steps(await history(door, order_id)) == [*steps(shown)[:2], ("order.paid", 6, 3, None)]


async def test_who_sees_the_order_sees_its_history_and_nobody_else(
    door: Door, database: Database
) -> None:
    customer = await keep_customer(database, partner_id="r1", distributor_id="d1")
    stranger = await keep_customer(database)
    order_id = (await place(door, customer, principal=RESELLER))["order_id"]
    seen_by = [RESELLER, DISTRIBUTOR, customer_principal(customer, "r1"), ADMINISTRATOR]
    for principal in seen_by:
        assert len(await history(door, order_id, principal)) == 1
    for principal in (PARTNER, OTHER_PARTNER, customer_principal(stranger)):
        for named in (order_id, order_id[:-6] + "000000"):
            for what in ("history", "actions"):
                refused = await door.get(f"/api/orders/{named}/{what}", principal)
                assert (refused.status_code, refused.json()["code"]) == (404, "CHB.0404")


async def test_why_a_masters_payment_failed_is_not_the_members_to_know(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    master = await keep_customer(database)
    member = await keep_customer(database, paying_master_id=master)
    order_id = (await place(door, member))["order_id"]
    asked = await door.post(PAY, payment(order_id), customer_principal(member))
    assert asked.status_code == 403
    peers.refusals[HOLD] = (400, "CBC.99005003")
    await door.post(PAY, payment(order_id), customer_principal(master))
    expected = [(master, "CBC.99005003"), (member, None)]
    for reader, code in expected:
        shown = await history(door, order_id, customer_principal(reader))
        assert [one["event"] for one in shown[1:]] == [
            "order.payment_requested", "order.payment_failed",
        ]  # fmt: skip
        assert (shown[-1]["code"], shown[-1]["by"]) == (code, master)


async def test_stating_an_order_again_is_no_part_of_its_history(
    door: Door, database: Database
) -> None:
    customer = await keep_customer(database)
    await place(door, customer)
    async with database.transaction() as session:
        assert len(await ORDERS.portion(session, "", 10)) == 1
    async with database.transaction() as session:
        assert len((await session.scalars(select(OrderChange))).all()) == 1
