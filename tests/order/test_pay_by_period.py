"""What is used on demand is paid for a period from now on (docs/domain/resources.md H.10)."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.database import Database
from order.copies import Customer
from order.orders.models import Order
from order.provisioning.complete_orders import complete_orders
from order.resources.models import Piece, Resource
from order.resources.provider import Heard
from testkit import outbox
from testkit.clock import StandingClock
from testkit.door import Door, code_of
from tests.order.builders import (
    ORDERS,
    PARTNER,
    PAY,
    customer_principal,
    keep_customer,
    line,
    offer,
    payment,
)
from tests.order.peer_double import PeerDouble
from tests.order.renewal_builders import carry_out, renewed
from tests.order.resource_builders import DISK, EBS, HOURLY, opened, resource_of
from tests.order.test_conversions import ON_DEMAND, PERIOD, convert
from tests.order.test_failed_pieces import CODE

pytestmark = pytest.mark.postgres

QUOTES = "/api/orders/quotes"
REFUND_QUOTES = "/api/resources/refund-quotes"


class FirstFails:
    """Fails what stands first in an order, and does all others that it is asked for."""

    async def ask(
        self, _session: AsyncSession, _order: Order, pieces: Sequence[Piece], _now: datetime
    ) -> Heard:
        failed = {one.resource_id: CODE for one in pieces if one.position == 1}
        return Heard(done={one.resource_id for one in pieces} - failed.keys(), failed=failed)


def by_period(customer: str, *resource_ids: str, **more: Any) -> dict[str, Any]:
    """The body: for one month."""
    return {
        "customer_id": customer, "order_type": 11, "resource_ids": list(resource_ids),
        "period_type": 2, "period_num": 1, **more,
    }  # fmt: skip


async def pay(door: Door, customer: str, order: Any) -> None:
    answer = await door.post(PAY, payment(order["order_id"]), customer_principal(customer))
    assert answer.status_code == 204, answer.text


async def hourly(
    door: Door, database: Database, clock: StandingClock, **more: Any
) -> tuple[str, list[str]]:
    customer = await keep_customer(database)
    return customer, await opened(door, database, clock, customer, line(**HOURLY, **more))


@pytest.mark.parametrize(
    ("begins", "ends"),
    [
        (datetime(2027, 1, 31, 2, 0, tzinfo=UTC), "2027-02-28T15:59:59"),
        (datetime(2028, 2, 29, 15, 59, 57, tzinfo=UTC), "2028-03-29T15:59:59"),
    ],
)
async def test_it_keeps_its_id_and_its_period_begins_when_it_is_carried_out(
    door: Door, database: Database, clock: StandingClock, begins: datetime, ends: str
) -> None:
    """31 January and the last second of 29 February. Break: begin when it is ordered."""
    customer, [resource] = await hourly(door, database, clock)
    clock.now = begins - timedelta(days=1)
    placed = await door.post("/api/orders", by_period(customer, resource), PARTNER)
    assert placed.status_code == 201, placed.text
    order = placed.json()
    assert (order["order_type"], order["status"], order["amount_after_discount"]) == (
        11, 6, "85.00",
    )  # fmt: skip
    known = len(await outbox.types(database))
    clock.now = begins
    await pay(door, customer, order)
    clock.forward(seconds=2)
    await carry_out(database, clock)
    assert (await outbox.types(database))[known:] == [
        "order.paid", "resource.converted", "order.provisioned", "order.completed",
    ]  # fmt: skip
    [converted] = await outbox.bodies(database, "resource.converted")
    assert (converted["charging_mode"], converted["status"]) == (1, 2)
    assert converted["expire_at"].startswith(ends)
    [period] = converted["periods"]
    assert (period["order_id"], period["amount_after_discount"]) == (order["order_id"], "85.00")
    itself = customer_principal(customer)
    page = (await door.post(ON_DEMAND, {"customer_id": customer}, PARTNER)).json()
    assert page["resources"] == []
    assert [one["id"] for one in (await door.post(PERIOD, {}, itself)).json()["data"]] == [resource]
    listed = await door.get(ORDERS, itself, query={"order_type": "11"})
    [info] = listed.json()["order_infos"]
    assert (info["status"], info["amount_after_discount"]) == (5, 85.0)


async def test_it_is_renewed_and_given_back_like_any_other_but_is_no_new_purchase(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: let a period from before a gap say the day of the end; the five days hold."""
    customer = await keep_customer(database)
    clock.now = datetime(2026, 12, 31, 2, 0, tzinfo=UTC)
    [resource] = await opened(door, database, clock, customer)  # to 31 January
    clock.now = datetime(2027, 3, 30, 2, 0, tzinfo=UTC)
    async with database.transaction() as session:
        (await session.get_one(Resource, resource)).become_on_demand(clock.now, None)
    order = (await door.post("/api/orders", by_period(customer, resource), PARTNER)).json()
    await pay(door, customer, order)
    await carry_out(database, clock)
    assert (await resource_of(database, resource)).expire_at == datetime(
        2027, 4, 30, 15, 59, 59, tzinfo=UTC
    )
    await renewed(door, database, clock, customer, resource)
    assert (await resource_of(database, resource)).expire_at == datetime(
        2027, 5, 30, 15, 59, 59, tzinfo=UTC
    )
    body = {"resource_ids": [resource], "unsubscribe_type": 1}
    quoted = (await door.post(REFUND_QUOTES, body, PARTNER)).json()
    assert [one["rule"] for one in quoted["resources"][0]["periods"]] == [
        "conditional", "not_effective",
    ]  # fmt: skip


async def test_what_is_attached_goes_along_and_fails_with_its_main_one(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: attach nothing in `trade_order`."""
    customer = await keep_customer(database)
    lines = [line(quantity=2), line(EBS, attach_to=1, quantity=2, **DISK)]
    first, second, *disks = await opened(door, database, clock, customer, *lines)
    await convert(door, customer, first, second)
    clock.forward(days=1)
    order = (await door.post("/api/orders", by_period(customer, first, second), PARTNER)).json()
    assert (order["is_combined"], len(order["lines"])) == (True, 4)
    await pay(door, customer, order)
    await complete_orders(database, FirstFails(), clock.now)
    modes = [(await resource_of(database, x)).charging_mode for x in (first, second, *disks)]
    assert (modes[:2], sorted(modes)) == ([3, 1], [1, 1, 3, 3])
    refunded = (await outbox.bodies(database, "order.refunded"))[-1]
    assert refunded["amount_after_discount"] == "170.00"
    assert {one["rule"] for one in refunded["refunds"]} == {"provisioning_failed"}
    again = (await door.post("/api/orders", by_period(customer, first), PARTNER)).json()
    await pay(door, customer, again)
    await carry_out(database, clock)
    modes = [(await resource_of(database, x)).charging_mode for x in (first, second, *disks)]
    assert modes == [1, 1, 1, 1]


async def test_a_quote_is_what_is_then_ordered(
    door: Door, database: Database, clock: StandingClock, peers: PeerDouble
) -> None:
    customer, [resource] = await hourly(door, database, clock)
    peers.offers = [offer("D3"), offer("D1", 1, "60.00")]
    known = len(await outbox.types(database))
    body = by_period(customer, resource, contract_id="D1", period_type=3, period_num=3)
    quoted = (await door.post(QUOTES, body, customer_principal(customer))).json()
    assert quoted["refusals"] == []
    assert peers.asked("/internal/quotes")[-1]["order_type"] == 11
    assert len(await outbox.types(database)) == known
    order = (await door.post("/api/orders", body, PARTNER)).json()
    for name in ("official_amount", "amount_after_discount", "pay_until"):
        assert order[name] == quoted[name]
    assert quoted["amount_after_discount"] == "195.00"


async def test_what_cannot_be_paid_by_period_is_refused_whole(
    door: Door, database: Database, clock: StandingClock, peers: PeerDouble
) -> None:
    """Break: leave a check out of the plan."""
    customer, [good, closed, frozen, closing, pending] = await hourly(
        door, database, clock, quantity=5
    )
    _, [theirs] = await hourly(door, database, clock)
    [period] = await opened(door, database, clock, customer)
    main, disk = await opened(
        door, database, clock, customer, line(), line(EBS, attach_to=1, **DISK)
    )
    await convert(door, customer, main)
    for resource, status in ((closed, 6), (frozen, 3), (closing, 5)):
        async with database.transaction() as session:
            named = update(Resource).where(Resource.resource_id == resource)
            await session.execute(named.values(status=status))
    await door.post("/api/orders", by_period(customer, pending), PARTNER)
    known = len(await outbox.types(database))

    async def refused(code: str, *ids: str, field: str | None = None, **more: Any) -> None:
        body = by_period(customer, *(ids or (good,)), **more)
        for path in ("/api/orders", QUOTES):
            answer = await door.post(path, body, PARTNER)
            if answer.status_code == 200:
                [refusal] = answer.json()["refusals"]
                assert (refusal["code"], refusal["field"]) == (code, field)
            else:
                assert code_of(answer)[1] == code, (code, more, answer.text)
        assert len(await outbox.types(database)) == known

    second = "resource_ids[1]"
    for missing in ("nobody", good.upper(), theirs, closed, closing, period):
        await refused("CBC.99003016", good, missing, field=second)
    await refused("CBC.30010036", good, disk, field=second)
    await refused("CBC.99003624", good, frozen, field=second)
    await refused("CBC.99003100", good, pending, field=second)
    await refused("CBC.0100", good, good, field="resource_ids")
    await refused("CBC.0100", *[good] * 11)
    await refused("CBC.0100", period_num=0)
    await refused("CBC.0100", period_num=12)
    await refused("CBC.0101", period_type=1)
    await refused("CBC.99000092", period_type=3, period_num=4, field="resource_ids[0]")
    peers.unsold = {"hws.service.type.ec2"}
    await refused("CBC.30010069", field="resource_ids[0]")
    peers.unsold, peers.marketplace = set(), {"hws.service.type.ec2"}
    await refused("CHB.1002", field="resource_ids[0]")
    peers.marketplace = set()
    async with database.transaction() as session:
        await session.execute(update(Customer).values(is_frozen=1))
    await refused("CBC.0155", field="customer_id")
