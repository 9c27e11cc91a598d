"""GET /api/orders/{id}/actions: what the commands would say, and nothing written."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from chassis.database import Database
from chassis.identity import Principal
from order.copies import Authorization, Customer
from order.orders.models import Order
from order.provisioning.complete_orders import complete_orders
from order.resources.models import Resource
from order.resources.provider import SimulatedProvider
from testkit import audit, outbox
from testkit.clock import StandingClock
from testkit.door import Door
from tests.order.builders import (
    CANCEL,
    PARTNER,
    PAY,
    attempts,
    customer_principal,
    keep_customer,
    keep_partner,
    line,
    payment,
    place,
)
from tests.order.peer_double import PeerDouble

pytestmark = pytest.mark.postgres


@pytest.fixture(autouse=True)
async def partner(database: Database) -> None:
    await keep_partner(database)


UNSUBSCRIBE = "/v2/orders/subscriptions/resources/unsubscribe"
HOLD = "/internal/holds"
Told = dict[str, tuple[bool, list[tuple[str, list[str]]]]]


async def actions(door: Door, order_id: str, principal: Principal, **headers: str) -> Told:
    answer = await door.get(f"/api/orders/{order_id}/actions", principal, headers=headers)
    assert answer.status_code == 200, answer.text
    return {
        one["action"]: (one["allowed"], [(why["code"], why["ids"]) for why in one["reasons"]])
        for one in answer.json()["actions"]
    }


async def test_a_pending_order_may_be_paid_and_cancelled_and_nothing_is_written(
    door: Door, database: Database
) -> None:
    """Break: do not roll the savepoint back."""
    customer = await keep_customer(database)
    order = await place(door, customer)
    before = await outbox.types(database), await audit.deeds(database)
    for principal in (customer_principal(customer), PARTNER):
        told = await actions(door, order["order_id"], principal)
        assert list(told) == ["pay", "cancel", "renew", "unsubscribe", "change", "request_payment"]
        assert told["pay"] == told["cancel"] == told["request_payment"] == (True, [])
        assert told["unsubscribe"] == (False, [("CBC.99003012", [])])
        assert told["renew"] == (False, [("CBC.99003016", [])])
        assert told["change"] == (False, [("CBC.99003016", [])])
    assert (await outbox.types(database), await audit.deeds(database)) == before
    assert await attempts(database) == []
    paid = await door.post(PAY, payment(order["order_id"]), customer_principal(customer))
    assert paid.status_code == 204


@pytest.mark.parametrize("state", ["paid", "overdue", "frozen", "being paid"])
async def test_each_reason_is_the_one_that_the_command_answers(
    door: Door, database: Database, peers: PeerDouble, clock: StandingClock, state: str
) -> None:
    customer = await keep_customer(database)
    order_id = (await place(door, customer))["order_id"]
    asker = customer_principal(customer)
    told: Told = {}

    async def ask(_: Any = None) -> None:
        told.update(await actions(door, order_id, asker))

    if state == "paid":
        await door.post(PAY, payment(order_id), asker)
    if state == "overdue":
        clock.now += timedelta(days=7)
    if state == "frozen":
        async with database.transaction() as session:
            await session.execute(update(Customer).values(is_frozen=1))
    if state == "being paid":
        peers.before[HOLD] = ask
        await door.post(PAY, payment(order_id), asker)
        assert told["pay"] == (False, [("CBC.99008040", [])])
        assert told["cancel"] == (False, [("CBC.99005010", [])])
        return
    await ask()
    pay = await door.post(PAY, payment(order_id), asker)
    cancel = await door.put(CANCEL, {"order_id": order_id}, asker)
    assert told["pay"] == (False, [(pay.json()["error_code"], [])])
    if cancel.status_code == 204:
        assert told["cancel"] == (True, [])
    else:
        assert told["cancel"] == (False, [(cancel.json()["error_code"], [])])


async def test_unsubscribing_names_the_resources_that_may_not(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    asker = customer_principal(customer)
    order_id = (await place(door, customer, [line(quantity=12)]))["order_id"]
    await door.post(PAY, payment(order_id), asker)
    clock.now += timedelta(minutes=5)
    await complete_orders(database, SimulatedProvider(), clock.now)
    told = await actions(door, order_id, asker)
    assert told["unsubscribe"] == told["renew"] == told["change"] == (True, [])
    async with database.transaction() as session:
        ids = sorted((await session.scalars(Resource.__table__.select())).all())
        frozen, closed = ids[3], ids[11]
        for resource_id, status in ((frozen, 4), (closed, 3)):
            await session.execute(
                update(Resource).where(Resource.resource_id == resource_id).values(status=status)
            )
    told = await actions(door, order_id, asker)
    assert told["unsubscribe"] == (
        True, [("CBC.99003656", [frozen]), ("CBC.30000067", [closed])],
    )  # fmt: skip
    assert told["renew"] == (True, [("CBC.99003016", [closed])])
    assert told["change"] == (
        True, [("CBC.99003624", [frozen]), ("CBC.99003016", [closed])],
    )  # fmt: skip
    assert told["pay"] == (False, [("CBC.99003106", [])])
    answer = await door.post(UNSUBSCRIBE, {"resource_ids": [frozen], "unsubscribe_type": 1}, asker)
    assert answer.json()["error_code"] == "CBC.99003656"
    async with database.transaction() as session:
        assert (await session.get_one(Order, order_id)).status == 5


async def test_a_partner_without_the_customers_grant_may_nothing(
    door: Door, database: Database
) -> None:
    customer = await keep_customer(database)
    order_id = (await place(door, customer))["order_id"]
    async with database.transaction() as session:
        await session.execute(update(Authorization).values(status="terminated"))
    told = await actions(door, order_id, PARTNER)
    assert set(map(str, told.values())) == {str((False, [("CHB.1001", [])]))}
    assert (await actions(door, order_id, customer_principal(customer)))["pay"] == (True, [])


async def test_a_custody_member_hears_that_its_master_pays_and_asks_nobody_by_looking(
    door: Door, database: Database
) -> None:
    master = await keep_customer(database)
    member = await keep_customer(database, paying_master_id=master)
    order_id = (await place(door, member))["order_id"]
    told = await actions(door, order_id, customer_principal(member))
    assert told["pay"] == (False, [("CBC.0155", [])])
    assert await outbox.types(database) == ["order.created"]


async def test_reasons_are_said_in_the_language_asked_for(door: Door, database: Database) -> None:
    customer = await keep_customer(database)
    asker = customer_principal(customer)
    order_id = (await place(door, customer))["order_id"]
    await door.put(CANCEL, {"order_id": order_id}, asker)
    said = {}
    for language in ("zh_CN", "en_US"):
        answer = await door.get(
            f"/api/orders/{order_id}/actions", asker, headers={"X-Language": language}
        )
        said[language] = answer.json()["actions"][1]["reasons"][0]["message"]
    assert said["en_US"].startswith("The order cannot be cancelled.")
    assert said["zh_CN"].startswith("订单不能取消。")
