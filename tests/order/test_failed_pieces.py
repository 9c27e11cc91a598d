"""Pieces that could not be provisioned: the system gives back at once what was paid for them.

See docs/domain/orders.md H.11.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.database import Database
from order.orders.models import Order
from order.provisioning.complete_orders import complete_orders
from order.refunds.models import Refund
from order.resources.models import Piece, Resource
from order.resources.provider import Heard
from testkit import outbox
from testkit.clock import StandingClock
from testkit.door import Door
from tests.order.builders import (
    ORDERS,
    PAY,
    customer_principal,
    keep_customer,
    line,
    payment,
    place,
)
from tests.order.peer_double import PeerDouble
from tests.order.test_unsubscribe_resources import DISK, EBS, rows

pytestmark = pytest.mark.postgres

CODE = "CBC.99003141"


class Failing:
    """Fails the pieces of some numbers of main resources, and opens all others."""

    def __init__(self, *numbers: int, silent: Collection[int] = ()):
        self.numbers, self.silent = numbers, silent
        self.asked: list[tuple[int, int]] = []

    async def ask(
        self, _session: AsyncSession, _order: Order, pieces: Sequence[Piece], _now: datetime
    ) -> Heard:
        self.asked += [(piece.position, piece.number) for piece in pieces]
        heard = [one for one in pieces if one.main_resource_id or one.number not in self.silent]
        failed = {
            one.resource_id: CODE
            for one in heard
            if one.main_resource_id is None and one.number in self.numbers
        }
        return Heard(done={one.resource_id for one in heard} - failed.keys(), failed=failed)


async def paid(
    door: Door, database: Database, *lines: dict[str, Any], coupons: tuple[str, ...] = (),
    flexi: str | None = None,
) -> tuple[str, dict[str, Any]]:  # fmt: skip
    """A customer, and the order that it has paid."""
    customer = await keep_customer(database)
    order = await place(door, customer, list(lines) or [line()])
    body = payment(order["order_id"], *coupons, flexi=flexi)
    answer = await door.post(PAY, body, customer_principal(customer))
    assert answer.status_code == 204, answer.text
    return customer, order


async def listed(door: Door, customer: str) -> dict[int, dict[str, Any]]:
    """The customer's orders by their type."""
    answer = await door.get(ORDERS, customer_principal(customer))
    return {one["order_type"]: one for one in answer.json()["order_infos"]}


async def test_a_failed_piece_is_given_back_whole_and_the_others_are_opened(
    door: Door, database: Database, clock: StandingClock, peers: PeerDouble
) -> None:
    """Break: give back by the rule `conditional`, or leave failed pieces out of the fact."""
    peers.official, peers.discount = Decimal("33.35"), Decimal("0.00")
    peers.coupons = {"CP1": (1, "50.00"), "CP2": (4, "20.00")}
    customer, order = await paid(door, database, line(quantity=3), coupons=("CP1",), flexi="CP2")
    now = clock.now + timedelta(minutes=1)
    await complete_orders(database, Failing(2), now)

    stated = (await outbox.stated(database))[2:]
    assert [one for one, _ in stated] == [
        "resource.opened", "resource.opened", "order.provisioned", "order.created",
        "order.refunded", "order.completed", "order.completed",
    ]  # fmt: skip
    pieces = {one["number"]: one for one in stated[2][1]["pieces"]}
    assert pieces[2] == pieces[2] | {"resource_id": None, "code": CODE}
    assert pieces[1] == pieces[1] | {"code": None}
    refunded = stated[4][1]
    assert (refunded["order_type"], refunded["source_type"]) == (4, 8)
    [part] = refunded["refunds"]
    assert (part["rule"], part["base_order_id"]) == ("provisioning_failed", order["order_id"])
    # The second of three, each means by itself: 50.00, 20.00 and 30.05.
    assert (part["coupon_amount"], part["flexipurchase_coupon_amount"]) == ("16.67", "6.67")
    assert part["cash_amount"] == "10.02"
    assert {one["coupon_id"]: one["amount"] for one in part["coupons"]} == {
        "CP1": "16.67", "CP2": "6.67",
    }  # fmt: skip
    both = await listed(door, customer)
    assert (both[1]["status"], both[4]["status"]) == (5, 5)
    path = f"/v2/orders/customer-orders/details/{both[4]['order_id']}"
    info = (await door.get(path, customer_principal(customer))).json()["order_info"]
    assert (info["source_type"], info["user_name"]) == (8, "运营系统")
    assert both[4]["amount_after_discount"] == 33.36
    assert await rows(door, customer, both[4]["order_id"]) == ["-33.36"]
    async with database.transaction() as session:
        assert len((await session.scalars(select(Resource))).all()) == 2
        assert (await session.scalars(select(Refund.counts))).all() == [False], "none of the ten"

    await complete_orders(database, Failing(2), now + timedelta(days=1))
    assert len(await outbox.stated(database)) == 9


async def test_an_order_of_which_all_failed_is_completed_and_given_back_as_a_whole(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """What is attached to a failed piece fails with it, and nobody is asked for it."""
    lines = [line(quantity=2), line(EBS, attach_to=1, quantity=2, **DISK)]
    customer, order = await paid(door, database, *lines)
    provider = Failing(1, 2)
    await complete_orders(database, provider, clock.now + timedelta(minutes=1))
    assert provider.asked == [(1, 1), (1, 2)]
    both = await listed(door, customer)
    assert (both[1]["status"], both[4]["status"]) == (5, 5)
    assert both[4]["amount_after_discount"] == order_amount(order)
    assert both[4]["order_id"] != order["order_id"]
    assert await rows(door, customer, both[4]["order_id"]) == ["-85.00"] * 4
    async with database.transaction() as session:
        assert (await session.scalars(select(Resource))).all() == []
        codes = (await session.scalars(select(Piece.code))).all()
    assert codes == [CODE] * 4
    provisioned = next(
        body for one, body in await outbox.stated(database) if one == "order.provisioned"
    )
    assert [one["code"] for one in provisioned["pieces"]] == [CODE] * 4


def order_amount(order: dict[str, Any]) -> float:
    return float(order["amount_after_discount"])


async def test_one_piece_fails_while_another_is_still_waited_for(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """The paid order is completed when the last is heard of; the failed one does not wait."""
    disks = line(EBS, attach_to=1, quantity=2, **DISK)
    customer, _ = await paid(door, database, line(quantity=2), disks)
    provider = Failing(2, silent={1})
    now = clock.now + timedelta(minutes=1)
    await complete_orders(database, provider, now)
    both = await listed(door, customer)
    assert (both[1]["status"], both[4]["status"]) == (3, 5)
    assert provider.asked == [(1, 1), (1, 2)], "a disk waits for its server"
    provider.silent = ()
    await complete_orders(database, provider, now + timedelta(seconds=2))
    assert provider.asked[2:] == [(1, 1), (2, 1)]
    assert (await listed(door, customer))[1]["status"] == 5
    assert (await outbox.types(database)).count("order.refunded") == 1


async def test_on_demand_pieces_that_fail_were_not_paid_for_and_nothing_goes_back(
    door: Door, database: Database, clock: StandingClock, peers: PeerDouble
) -> None:
    peers.official = peers.discount = Decimal("0.00")
    free = line(charging_mode=3, period_type=None, period_num=None)
    customer, _ = await paid(door, database, free)
    await complete_orders(database, Failing(1), clock.now + timedelta(minutes=1))
    assert (await listed(door, customer)).keys() == {1}
    assert (await outbox.types(database))[2:] == ["order.provisioned", "order.completed"]


async def test_what_a_master_paid_goes_back_to_it(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """By failed provisioning and by unsubscription. Break: name no payer in `paid_period`."""
    master = await keep_customer(database)
    member = await keep_customer(database, paying_master_id=master)
    order = await place(door, member, [line(quantity=2)])
    asked = await door.post(PAY, payment(order["order_id"]), customer_principal(member))
    assert asked.status_code == 403
    pays = await door.post(PAY, payment(order["order_id"]), customer_principal(master))
    assert pays.status_code == 204, pays.text
    now = clock.now = clock.now + timedelta(minutes=1)
    await complete_orders(database, Failing(2), now)
    async with database.transaction() as session:
        resource = (await session.scalars(select(Resource.resource_id))).one()
    body = {"resource_ids": [resource], "unsubscribe_type": 1}
    answer = await door.post(
        "/v2/orders/subscriptions/resources/unsubscribe", body, customer_principal(member)
    )
    assert answer.status_code == 200, answer.text
    parts = [
        part
        for stated, body in await outbox.stated(database)
        if stated == "order.refunded"
        for part in body["refunds"]
    ]
    assert [(one["payer_id"], one["cash_amount"]) for one in parts] == [(master, "85.00")] * 2
    assert [one["rule"] for one in parts] == ["provisioning_failed", "five_days"]
