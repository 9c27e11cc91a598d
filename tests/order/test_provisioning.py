"""Pieces, what is attached to what, and the periods that resources are paid for.

See docs/domain/orders.md H.11, docs/domain/resources.md H.7.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.database import Database
from order.orders.models import Order, PaymentAttempt
from order.provisioning.complete_orders import complete_orders
from order.resources.models import Piece, Resource
from order.resources.provider import Heard, SimulatedProvider
from testkit import outbox
from testkit.clock import StandingClock
from testkit.door import Door
from tests.order.builders import (
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

RESOURCES = "/v2/orders/suscriptions/resources/query"
DISK = {"resource_type_code": "hws.resource.type.volume", "resource_spec_code": "SSD"}
IP = {"resource_type_code": "hws.resource.type.ip", "resource_spec_code": "5_bgp"}
BANDWIDTH = {"resource_type_code": "hws.resource.type.bandwidth", "resource_spec_code": "19_bgp"}
SHARED = BANDWIDTH | {"resource_spec_code": "19_share"}
EBS, VPC = "hws.service.type.ebs", "hws.service.type.vpc"


class Reluctant:
    """Opens only so many of the pieces that it is asked for at once."""

    def __init__(self, at_once: int):
        self.at_once = at_once
        self.asked: list[list[str]] = []

    async def ask(
        self, _session: AsyncSession, _order: Order, pieces: Sequence[Piece], _now: datetime
    ) -> Heard:
        asked = [piece.resource_id for piece in pieces]
        self.asked.append(asked)
        return Heard(done=asked[: self.at_once])


async def paid(door: Door, database: Database, *lines: dict[str, Any]) -> dict[str, Any]:
    """An order that its customer has paid."""
    order = await place(door, await keep_customer(database), list(lines))
    principal = customer_principal(order["customer_id"])
    answer = await door.post(PAY, payment(order["order_id"]), principal)
    assert answer.status_code == 204, answer.text
    return order


async def test_what_the_provider_is_silent_about_is_asked_again_and_opened_once(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: plan new pieces at each turn."""
    order = await paid(door, database, line(quantity=3))
    provider, now = Reluctant(2), clock.now + timedelta(seconds=2)
    await complete_orders(database, provider, now)
    assert (await outbox.types(database))[2:] == ["resource.opened"] * 2 + ["order.provisioned"]
    shown = (await door.get(f"/api/orders/{order['order_id']}", PARTNER)).json()
    assert shown["status"] == 3

    await complete_orders(database, provider, now + timedelta(seconds=1))
    assert len(provider.asked) == 1, "not before the pause is over"
    await complete_orders(database, provider, now + timedelta(seconds=2))
    first, second = provider.asked
    assert second == first[2:]
    assert (await outbox.types(database))[5:] == [
        "resource.opened", "order.provisioned", "order.completed",
    ]  # fmt: skip
    [_, last] = [
        body for stated, body in await outbox.stated(database) if stated == "order.provisioned"
    ]
    assert last["pieces"] == [
        {
            "line_id": order["lines"][0]["line_id"],
            "number": 3,
            "resource_id": first[2],
            "code": None,
        }
    ]
    await complete_orders(database, provider, now + timedelta(days=1))
    assert len(provider.asked) == 2


async def test_the_pause_between_two_questions_grows_to_its_bound(
    door: Door, database: Database, clock: StandingClock
) -> None:
    await paid(door, database, line())
    provider, now = Reluctant(0), clock.now + timedelta(seconds=2)
    for pause in (0, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300):
        now += timedelta(seconds=pause)
        await complete_orders(database, provider, now - timedelta(microseconds=1))
        before = len(provider.asked)
        await complete_orders(database, provider, now)
        assert len(provider.asked) == before + 1, pause
    assert await outbox.types(database) == ["order.created", "order.paid"]


async def test_attached_pieces_name_their_main_ones_and_are_listed_with_them(
    door: Door, database: Database, clock: StandingClock
) -> None:
    disks = line(EBS, attach_to=2, quantity=4, **DISK)
    order = await paid(door, database, disks, line(quantity=2))
    await complete_orders(database, SimulatedProvider(), clock.now + timedelta(minutes=1))
    async with database.transaction() as session:
        found = (await session.scalars(select(Resource))).all()
    mains = {one.resource_id for one in found if one.main_resource_id is None}
    attached = [one for one in found if one.main_resource_id is not None]
    assert (len(mains), len(attached)) == (2, 4)
    by_main = sorted(one.main_resource_id or "" for one in attached)
    assert by_main == sorted([*mains, *mains]), "two disks for each server"

    async def listed(**body: Any) -> set[tuple[str, int]]:
        principal = customer_principal(order["customer_id"])
        answer = await door.post(RESOURCES, body, principal)
        return {(one["id"], one["is_main_resource"]) for one in answer.json()["data"]}

    main = by_main[0]
    own = {(one.resource_id, 0) for one in attached if one.main_resource_id == main}
    assert await listed(resource_ids=[main]) == {(main, 1), *own}
    assert await listed(resource_ids=[main], only_main_resource=1) == {(main, 1)}
    disk = next(iter(own))
    for only in (0, 1):
        assert await listed(resource_ids=[disk[0]], only_main_resource=only) == {disk}
    assert await listed(only_main_resource=1) == {(one, 1) for one in mains}
    assert len(await listed()) == 6


@pytest.mark.parametrize(
    "lines",
    [
        [line(attach_to=1)],  # to itself
        [line(), line(EBS, attach_to=3, **DISK)],  # to no line
        [line(), line(EBS, attach_to=1, **DISK), line(EBS, attach_to=2, **DISK)],  # to attached
        [line(), line(attach_to=1)],  # a server to a server
        [line(EBS, **DISK), line(attach_to=1)],  # a server to a disk
        [line(VPC, **IP), line(VPC, attach_to=1, **SHARED)],
        [line(VPC, **BANDWIDTH), line(VPC, attach_to=1, **IP)],
        [line(quantity=2), line(EBS, attach_to=1, quantity=3, **DISK)],
        [line(), line(EBS, attach_to=1, period_num=2, **DISK)],
        [line(), line(EBS, attach_to=0, **DISK)],
    ],
)
async def test_nothing_else_is_attached(
    door: Door, database: Database, lines: list[dict[str, Any]]
) -> None:
    customer = await keep_customer(database)
    body = {"customer_id": customer, "lines": lines}
    refused = await door.post("/api/orders", body, PARTNER)
    assert (refused.status_code, refused.json()["code"]) == (400, "CBC.0100")
    assert await outbox.stated(database) == []


@pytest.mark.parametrize(
    "lines",
    [
        [line(VPC, **IP), line(VPC, attach_to=1, **BANDWIDTH)],
        [line(VPC, **SHARED), line(VPC, attach_to=1, quantity=3, **IP)],
        [line(EBS, attach_to=2, **DISK), line()],
    ],
)
async def test_what_belongs_together_is_attached(
    door: Door, database: Database, lines: list[dict[str, Any]]
) -> None:
    await place(door, await keep_customer(database), lines)


async def test_a_lines_amounts_are_shared_over_its_pieces_to_the_cent(
    door: Door, database: Database, clock: StandingClock, peers: PeerDouble
) -> None:
    """Equal parts, the earlier ones take the cents left over."""
    peers.official, peers.discount = Decimal("33.35"), Decimal("0.00")
    peers.coupons = {"CP1": (1, "50.00")}
    customer = await keep_customer(database)
    order = await place(door, customer, [line(quantity=3)])
    principal = customer_principal(customer)
    answer = await door.post(PAY, payment(order["order_id"], "CP1"), principal)
    assert answer.status_code == 204
    await complete_orders(database, SimulatedProvider(), clock.now + timedelta(minutes=1))
    async with database.transaction() as session:
        pieces = (await session.scalars(select(Piece).order_by(Piece.number))).all()
        resources = [await session.get_one(Resource, piece.resource_id) for piece in pieces]
        periods = [resource.periods[0] for resource in resources]
    assert [str(one.official_amount) for one in periods] == ["33.35", "33.35", "33.35"]
    assert [str(one.coupon_amount) for one in periods] == ["16.67", "16.67", "16.66"]
    assert [str(one.cash_amount) for one in periods] == ["16.69", "16.68", "16.68"]
    assert sum(one.amount_after_discount for one in periods) == Decimal("100.05")
    [opened, *_] = [
        body for stated, body in await outbox.stated(database) if stated == "resource.opened"
    ]
    [stated] = opened["periods"]
    assert (stated["amount_after_discount"], stated["end_at"]) == ("33.36", opened["expire_at"])
    assert stated["order_id"] == order["order_id"]


async def test_what_a_release_before_was_paid_with_is_known_by_the_kind_of_coupon(
    door: Door, database: Database, clock: StandingClock, peers: PeerDouble
) -> None:
    """Its attempts do not say which line a coupon paid. Break: take `_parts_by_type` away."""
    peers.coupons = {"CP1": (1, "50.00"), "CP2": (4, "20.00")}
    customer = await keep_customer(database)
    order = await place(door, customer, [line()])
    paid = payment(order["order_id"], "CP1", flexi="CP2")
    assert (await door.post(PAY, paid, customer_principal(customer))).status_code == 204
    async with database.transaction() as session:
        attempt = (await session.scalars(select(PaymentAttempt))).one()
        attempt.coupons = [{**one, "lines": []} for one in attempt.coupons]
    await complete_orders(database, SimulatedProvider(), clock.now + timedelta(minutes=1))
    async with database.transaction() as session:
        resource = (await session.scalars(select(Resource))).one()
        known = {one["coupon_id"]: one["amount"] for one in resource.periods[0].coupons}
    assert known == {"CP1": "50.00", "CP2": "20.00"}
