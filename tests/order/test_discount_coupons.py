"""A payment with a discount coupon: it lowers the price, once (docs/domain/orders.md H.3)."""

from decimal import Decimal
from typing import Any

import pytest

from chassis.database import Database
from chassis.parts import ServiceApp
from order.parts import OrderParts
from order.payments.pay_automatically import pay_automatically
from testkit import outbox
from testkit.clock import StandingClock
from testkit.door import Door, code_of
from tests.order.builders import (
    MORNING,
    ORDERS,
    PARTNER,
    PAY,
    customer_principal,
    keep_customer,
    line,
    offer,
    place,
    using,
)
from tests.order.peer_double import PeerDouble
from tests.order.renewal_builders import carry_out
from tests.order.test_payment_options import options

pytestmark = pytest.mark.postgres

HOLDS = "/internal/holds"
REFUND_QUOTES = "/api/resources/refund-quotes"
SERVER, DISK = line(), line("hws.service.type.ebs")


def with_coupons(order_id: str, *coupons: tuple[str, int], **more: Any) -> dict[str, Any]:
    """The body of pay_orders: coupons with their types."""
    infos = [{"id": one, "type": kind} for one, kind in coupons]
    return {
        "order_id": order_id, "use_coupon": "YES", "use_discount": "NO", "coupon_infos": infos,
        **more,
    }  # fmt: skip


async def test_the_price_is_lowered_and_the_rest_is_paid(
    door: Door, database: Database, peers: PeerDouble, clock: StandingClock
) -> None:
    """0.9 of the server alone: 8.50 off. Break: take it for money that paid."""
    customer = await keep_customer(database)
    itself = customer_principal(customer)
    peers.coupons = {"D": (2, "0.9"), "F": (4, "30.00")}
    peers.covers = {"D": {"hws.service.type.ec2"}}
    order = await place(door, customer, [SERVER, DISK])
    body = with_coupons(order["order_id"], ("D", 300), ("F", 302))
    assert (await door.post(PAY, body, itself)).status_code == 204
    assert [one["amount"] for one in peers.asked(HOLDS)] == ["131.50"]
    [paid] = await outbox.bodies(database, "order.paid")
    assert (paid["discount_amount"], paid["amount_after_discount"]) == ("38.50", "161.50")
    assert (paid["coupon_discount_amount"], paid["cash_amount"]) == ("8.50", "131.50")
    assert [(x["coupon_id"], x["coupon_type"], x["amount"]) for x in paid["coupons"]] == [
        ("D", 2, "8.50"), ("F", 4, "30.00"),
    ]  # fmt: skip
    assert [x["coupon_discount_amount"] for x in paid["lines"]] == ["8.50", "0.00"]
    for one in paid["lines"]:
        parts = ("coupon_amount", "flexipurchase_coupon_amount", "cash_amount", "credit_amount")
        assert sum(Decimal(one[x]) for x in parts) == Decimal(one["amount_after_discount"])
    [shown] = (await door.get(ORDERS, itself)).json()["order_infos"]
    assert shown["amount_info"]["discounts"] == [
        {"discount_type": "900", "discount_amount": 30.0},
        {"discount_type": "300", "discount_amount": 8.5},
    ]
    assert shown["amount_after_discount"] == 161.5
    clock.forward(seconds=2)
    await carry_out(database, clock)
    ids = [one["resource_id"] for one in await outbox.bodies(database, "resource.opened")]
    quoted = await door.post(REFUND_QUOTES, {"resource_ids": ids}, PARTNER)
    assert quoted.json()["refund_amount"] == "161.50"
    gone = {"resource_ids": ids, "unsubscribe_type": 1}
    await door.post("/v2/orders/subscriptions/resources/unsubscribe", gone, itself)
    [refunded] = await outbox.bodies(database, "order.refunded")
    uses = [x for part in refunded["refunds"] for x in part["coupons"]]
    assert {one["coupon_id"] for one in uses} == {"F"}  # never comes back


async def test_a_payment_that_fails_leaves_the_price_as_it_was(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    """Break: lower the price when the attempt is opened."""
    customer = await keep_customer(database)
    peers.coupons = {"D": (2, "0.9")}
    order = await place(door, customer)
    peers.refusals[HOLDS] = (400, "CBC.99005003")
    body = with_coupons(order["order_id"], ("D", 300))
    answer = await door.post(PAY, body, customer_principal(customer))
    assert code_of(answer) == (400, "CBC.99005003")
    shown = (await door.get(f"/api/orders/{order['order_id']}", PARTNER)).json()
    assert (shown["amount_after_discount"], shown["coupon_discount_amount"]) == ("85.00", "0.00")


async def test_it_lowers_the_price_with_the_discount_that_is_used(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    """85.00 less 8.50, of that 0.9: 68.85."""
    customer = await keep_customer(database)
    peers.coupons, peers.offers = {"D": (2, "0.9")}, [offer("D2", 2)]
    order = await place(door, customer)
    coupons = {"use_coupon": "YES", "coupon_infos": [{"id": "D", "type": 300}]}
    body = using(order["order_id"], "D2", 2) | coupons
    answer = await door.post(PAY, body, customer_principal(customer))
    assert answer.status_code == 204, answer.text
    [paid] = await outbox.bodies(database, "order.paid")
    assert (paid["granted_discount_amount"], paid["coupon_discount_amount"]) == ("8.50", "7.65")
    assert (paid["amount_after_discount"], paid["cash_amount"]) == ("68.85", "68.85")


async def test_the_options_show_it_and_the_system_never_takes_it(
    app: ServiceApp[OrderParts], door: Door, database: Database, peers: PeerDouble
) -> None:
    """H.4. Break: take whatever coupon is usable."""
    customer = await keep_customer(database)
    peers.coupons = {"D": (2, "0.1"), "F": (4, "5.00")}
    order = await place(door, customer)
    found = await options(door, order["order_id"])
    shown = [
        ([x["coupon_id"] for x in one["coupons"]], one["amount_after_discount"],
         one["balance_amount"]) for one in found["options"]
    ]  # fmt: skip
    assert shown == [
        ([], "85.00", "85.00"), (["D"], "8.50", "8.50"), (["F"], "85.00", "80.00"),
        (["D", "F"], "8.50", "3.50"),
    ]  # fmt: skip
    assert (found["best"], found["automatic"]) == (3, 0)
    order_id = order["order_id"]
    assert await pay_automatically(app.parts.database, app.parts.peers, order_id, MORNING) is None
    [paid] = await outbox.bodies(database, "order.paid")
    assert (paid["coupons"], paid["cash_amount"]) == ([], "85.00")
