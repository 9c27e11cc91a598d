"""GET /api/orders/{id}/payment-options: a dry run of every way to pay."""

from typing import Any

import pytest

from chassis.database import Database
from chassis.parts import ServiceApp
from order.parts import OrderParts
from order.payments.pay_automatically import pay_automatically
from testkit.door import Door, code_of
from testkit.outbox import bodies, types
from tests.order.builders import (
    MORNING,
    OTHER_PARTNER,
    PARTNER,
    PAY,
    customer_principal,
    keep_customer,
    offer,
    payment,
    place,
)
from tests.order.peer_double import PeerDouble

pytestmark = pytest.mark.postgres


async def options(door: Door, order_id: str, by: Any = PARTNER) -> dict[str, Any]:
    answer = await door.get(f"/api/orders/{order_id}/payment-options", by)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_every_discount_stands_with_every_set_of_coupons(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    customer = await keep_customer(database)
    peers.offers = [offer("D1", 1, "60.00"), offer("D3")]
    peers.coupons = {"C": (1, "20.00"), "F": (4, "70.00")}
    placed = await place(door, customer)
    before = await types(database)
    found = await options(door, placed["order_id"], customer_principal(customer))
    shown = [
        (x["discount_id"], [c["coupon_id"] for c in x["coupons"]], x["balance_amount"])
        for x in found["options"]
    ]
    assert shown == [
        (None, [], "85.00"), (None, ["C"], "65.00"), (None, ["F"], "15.00"),
        (None, ["C", "F"], "0.00"),
        ("D3", [], "76.50"), ("D3", ["C"], "56.50"), ("D3", ["F"], "6.50"),
        ("D3", ["C", "F"], "0.00"),
    ]  # fmt: skip
    assert found["options"][found["best"]]["balance_amount"] == "0.00"
    assert all(option["covered"] for option in found["options"])
    assert await types(database) == before


async def test_the_automatic_choice_is_what_the_system_then_takes(
    app: ServiceApp[OrderParts], door: Door, database: Database, peers: PeerDouble
) -> None:
    """Break: leave the coupon out of `_automatic`."""
    customer = await keep_customer(database)
    peers.offers = [offer("D2", 2), offer("D3", 3, "17.00")]
    peers.coupons = {"C": (1, "20.00"), "F": (4, "70.00")}
    placed = await place(door, customer)
    found = await options(door, placed["order_id"])
    automatic = found["options"][found["automatic"]]
    order_id = placed["order_id"]
    assert await pay_automatically(app.parts.database, app.parts.peers, order_id, MORNING) is None
    (fact,) = await bodies(database, "order.paid")
    assert automatic["discount_id"] == fact["discount_id"] == "D3"
    assert [x["coupon_id"] for x in automatic["coupons"]] == ["C"]
    assert automatic["balance_amount"] == fact["cash_amount"]


async def test_what_money_covers_comes_first(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    customer = await keep_customer(database)
    peers.coupons = {"early": (1, "20.00"), "late": (1, "20.00")}
    peers.ends = {"early": "2026-12-01T00:00:00+00:00"}
    peers.money = peers.official - 35
    placed = await place(door, customer)
    found = await options(door, placed["order_id"])
    assert [option["covered"] for option in found["options"]] == [False, True, True]
    best = found["options"][found["best"]]
    assert [coupon["coupon_id"] for coupon in best["coupons"]] == ["early"]


async def test_there_are_no_more_than_500_and_it_says_so(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    customer = await keep_customer(database)
    peers.coupons = {f"C{n}": (1, "1.00") for n in range(30)}
    peers.coupons |= {f"F{n}": (4, "1.00") for n in range(30)}
    placed = await place(door, customer)
    found = await options(door, placed["order_id"])
    assert (len(found["options"]), found["has_more"]) == (500, True)


async def test_only_who_sees_a_payable_order_is_told(door: Door, database: Database) -> None:
    customer, stranger = await keep_customer(database), await keep_customer(database)
    placed = await place(door, customer, hold_for="review")
    path = f"/api/orders/{placed['order_id']}/payment-options"
    for by in (OTHER_PARTNER, customer_principal(stranger)):
        assert code_of(await door.get(path, by)) == (404, "CHB.0404")
    assert code_of(await door.get(path, PARTNER)) == (400, "CBC.99003106")


async def test_a_member_does_not_see_what_its_master_could_pay_with(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    """The master sees it once it is asked, the partner always."""
    master = await keep_customer(database)
    member = await keep_customer(database, paying_master_id=master)
    peers.coupons = {"C": (1, "20.00")}
    order_id = (await place(door, member))["order_id"]
    path = f"/api/orders/{order_id}/payment-options"
    refused = await door.get(path, customer_principal(member))
    assert code_of(refused) == (403, "CBC.0155")
    assert "C" not in refused.json()["detail"].split()
    unasked = await door.get(path, customer_principal(master))
    assert code_of(unasked) == (404, "CHB.0404")
    assert (await options(door, order_id))["payer_id"] == master
    await door.post(PAY, payment(order_id), customer_principal(member))  # asks the master
    found = await options(door, order_id, customer_principal(master))
    assert [coupon["coupon_id"] for coupon in found["options"][1]["coupons"]] == ["C"]
