"""Coupons for purchase types, charging scenes and first orders (docs/domain/coupons.md H.17)."""

import asyncio
from itertools import count
from typing import Any

import pytest

from contracts.order import OrderCancelled, OrderCompleted, OrderCreated
from tests.voucher.builders import (
    ECS,
    NOW,
    ORDER_COUPONS,
    RESERVE,
    VoucherDoor,
    a_line,
    about_order,
    an_order_line,
    associated,
    created,
    customer,
    failed,
    hear,
    paid,
    reservation,
    settle_in,
)
from voucher.attempts.reserve_coupons import ReserveCoupons, reserve_coupons

pytestmark = pytest.mark.postgres

EBS = "hws.service.type.ebs"
REFUSED = "CBC.99003112"
_serial = count(1)
ON_DEMAND: dict[str, Any] = {"charging_mode": 3, "period_type": None}
MONTHS: dict[str, Any] = {"charging_mode": 1, "period_type": 2}


async def limited(door: VoucherDoor, **limits: Any) -> str:
    """A coupon of 500 for c1."""
    return await door.coupon(await door.grant(limits=limits), face=500)


async def pay(door: VoucherDoor, coupon_id: str, *lines: dict[str, Any], order: str = "CS1") -> str:
    """What it pays, or the code that refuses; what it holds is let go of again."""
    body = reservation(f"a{next(_serial)}", [coupon_id], "1.00", order)
    answer = await door.post(RESERVE, body | {"lines": list(lines)}, customer("c1"))
    if answer.is_error:
        return str(answer.json()["code"])
    await hear(door.database, failed(body["attempt_id"], order))
    return str(answer.json()["coupons"][0]["amount"])


async def rules(door: VoucherDoor, coupon_id: str, *lines: dict[str, Any]) -> dict[str, Any]:
    """What validation says of each rule that does not hold: found, wanted."""
    told = [{key: one for key, one in line.items() if one is not None} for line in lines]
    told = [{**line, "currency": "CNY"} for line in told]
    body = {"customer_id": "c1", "coupon_ids": [coupon_id], "lines": told}
    answer = await door.post("/api/coupons/validations", body)
    assert answer.status_code == 200, answer.text
    [coupon] = answer.json()["coupons"]
    return {
        one["rule"]: (one["code"], one["found"], one["wanted"])
        for one in coupon["checks"]
        if not one["holds"]
    }


@pytest.mark.parametrize(
    ("limits", "paid_of_them", "broken"),
    [
        ({"subscribe_types": ["new"]}, "100.00", {}),
        ({"subscribe_types": ["renew", "change"]}, REFUSED,
         {"subscribe_type": (REFUSED, "new", "renew,change")}),
        ({"charge_scenes": [0]}, "60.00", {}),
        ({"charge_scenes": [2]}, "60.00", {}),
        ({"charge_scenes": [5]}, "40.00", {}),
        ({"charge_scenes": [6]}, "100.00", {}),
        ({"charge_scenes": [1, 7, 8]}, REFUSED, {"charge_scene": (REFUSED, "0,2,5,6", "1,7,8")}),
        ({"charge_scenes": [2], "cloud_service_types": [EBS]}, REFUSED,
         {"charge_scene": (REFUSED, "5,6", "2")}),
        ({"charge_scenes": [5], "threshold_amount": "40.00"}, REFUSED,
         {"threshold": (REFUSED, "40.00", "40.00")}),
        ({"first_order_in_service": True}, "100.00", {}),
    ],
)  # fmt: skip
async def test_a_coupon_pays_the_lines_that_are_bought_as_it_says(
    door: VoucherDoor, limits: dict[str, Any], paid_of_them: str, broken: dict[str, Any]
) -> None:
    """A month of a server, and a disk by use. Break: take one of the limits out of
    `is_covered_by`."""
    await settle_in(door)
    coupon_id = await limited(door, **limits)
    lines = [
        a_line("l1", "60.00", order_type=1, **MONTHS),
        a_line("l2", "40.00", order_type=1, service_type_code=EBS, **ON_DEMAND),
    ]
    assert await pay(door, coupon_id, *lines) == paid_of_them
    told = [{k: v for k, v in line.items() if k != "amount"} for line in lines]
    assert await rules(door, coupon_id, *told) == broken


@pytest.mark.parametrize(
    ("limits", "rule"),
    [({"subscribe_types": ["new"]}, "subscribe_type"), ({"charge_scenes": [6]}, "charge_scene")],
)
async def test_what_is_not_told_matches_no_limit(
    door: VoucherDoor, limits: dict[str, Any], rule: str
) -> None:
    await settle_in(door)
    coupon_id = await limited(door, **limits)
    line = a_line("l1", "60.00") | {"charging_mode": None}
    assert await pay(door, coupon_id, line) == REFUSED
    assert set(await rules(door, coupon_id, line)) == {rule}


@pytest.mark.parametrize(
    ("order_type", "word"), [(1, "new"), (2, "renew"), (3, "change"), (11, "new")]
)
async def test_each_type_of_order_is_a_purchase_type(
    door: VoucherDoor, order_type: int, word: str
) -> None:
    """The list for an order knows it by its copy."""
    await settle_in(door)
    coupons = {
        one: await limited(door, subscribe_types=[one]) for one in ("new", "renew", "change")
    }
    await hear(door.database, created(order_type=order_type))
    shown = await door.get(f"{ORDER_COUPONS}?order_id=CS1", customer("c1"))
    assert [one["coupon_id"] for one in shown.json()["user_coupons"]] == [coupons[word]]
    for one, coupon_id in coupons.items():
        found = await pay(door, coupon_id, a_line("l1", "60.00", order_type=order_type))
        assert found == ("60.00" if one == word else REFUSED), (order_type, one)


async def test_a_coupon_for_first_orders_pays_for_services_never_paid_before(
    door: VoucherDoor,
) -> None:
    """Break: count orders that were never paid, or another's; forget what is under way."""
    await settle_in(door, "c1", "c2")
    coupon_id = await limited(door, first_order_in_service=True)
    lines = [a_line("l1", "60.00"), a_line("l2", "40.00", service_type_code=EBS)]
    server = {"lines": [an_order_line()]}
    cancelled = about_order(OrderCancelled, "CS7", status=4, **server)
    back = about_order(OrderCompleted, "CS6", status=5, order_type=4, **server)
    theirs = about_order(OrderCompleted, "CS8", status=5, customer_id="c2", **server)
    await hear(door.database, created("CS1"), created("CS9", **server), cancelled, back, theirs)
    assert await pay(door, coupon_id, *lines) == "100.00"

    # Another order of servers is being paid, with whatever coupon; then it is not.
    other = await door.coupon(await door.grant())
    assert (await door.reserve("a9", [other], "5.00", "CS9")).status_code == 200
    assert await pay(door, coupon_id, *lines) == "40.00"
    assert await rules(door, coupon_id, lines[0]) == {"first_order": (REFUSED, "0", "1")}
    await hear(door.database, failed("a9", "CS9"))
    assert await pay(door, coupon_id, *lines) == "100.00"

    # It is paid: of servers no order is the first any more.
    await door.reserve("b9", [other], "5.00", "CS9")
    await hear(door.database, paid("b9", {other: "5.00"}, "CS9"))
    assert await pay(door, coupon_id, *lines) == "40.00"
    assert await pay(door, coupon_id, lines[0]) == REFUSED
    shown = await door.get(f"{ORDER_COUPONS}?order_id=CS1", customer("c1"))
    assert coupon_id not in [one["coupon_id"] for one in shown.json()["user_coupons"]]


async def test_of_two_orders_at_once_one_is_the_first(door: VoucherDoor) -> None:
    """Each by a coupon of its own. Break: judge without waiting for the other reservation."""
    await settle_in(door)
    coupons = [await limited(door, first_order_in_service=True) for _ in range(2)]
    await hear(door.database, created("CS1"), created("CS2"))
    first = ReserveCoupons.model_validate(reservation("a1", coupons[:1], "5.00"))
    async with door.database.transaction_as(customer("c1")) as session:
        await reserve_coupons(session, customer("c1"), first, NOW)
        second = asyncio.create_task(door.reserve("a2", coupons[1:], "5.00", "CS2"))
        waiting = (await asyncio.wait({second}, timeout=0.3))[1]
        assert waiting == {second}
    assert (await second).json()["code"] == REFUSED


async def test_a_masters_first_order_may_be_its_members(door: VoucherDoor) -> None:
    """Who pays is who must not have paid before."""
    await settle_in(door)
    await hear(door.database, associated("m1", is_enterprise_master=True))
    coupon_id = await limited(door, first_order_in_service=True)
    line = a_line("l1", "60.00", service_type_code=ECS)
    assert await pay(door, coupon_id, line) == "60.00"
    members = about_order(OrderCreated, "CS5", customer_id="c9", paying_agent_id="c1", status=3)
    await hear(door.database, members)
    assert await pay(door, coupon_id, line) == REFUSED
