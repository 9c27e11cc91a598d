"""A renewal is offered discounts like any order, and the system counts on them before it orders."""

from datetime import timedelta

import pytest

from chassis.database import Database
from chassis.parts import ServiceApp
from order.parts import OrderParts
from testkit.clock import StandingClock
from testkit.door import Door, code_of
from testkit.outbox import bodies
from tests.order.builders import (
    PARTNER,
    PAY,
    customer_principal,
    keep_customer,
    offer,
    payment,
)
from tests.order.peer_double import PeerDouble
from tests.order.renewal_builders import bought, renew
from tests.order.test_discounts import listed
from tests.order.test_renew_due import FIRST, FUNDS, automatic, turn

pytestmark = pytest.mark.postgres


async def test_a_renewal_is_offered_discounts_for_renewals(
    door: Door, database: Database, clock: StandingClock, peers: PeerDouble
) -> None:
    customer = await keep_customer(database)
    [resource] = await bought(door, database, clock, customer)
    peers.offers = [offer("D3")]
    answer = await renew(door, customer, resource)
    [order_id] = answer.json()["order_ids"]
    assert peers.asked("/internal/quotes")[-1]["order_type"] == 2
    assert [one["discount_id"] for one in await listed(door, order_id, customer)] == ["D3"]


async def test_the_system_asks_for_what_it_will_then_take(
    app: ServiceApp[OrderParts], door: Door, database: Database, clock: StandingClock,
    peers: PeerDouble,
) -> None:  # fmt: skip
    """Break: ask billing for the price without discount and coupon."""
    await automatic(door, database, clock)
    peers.offers = [offer("D2", 2), offer("D3", 3, "17.00"), offer("D1", 1, "60.00")]
    peers.coupons = {"small": (1, "5.00"), "large": (1, "20.00")}
    clock.now = FIRST
    await turn(app, clock)
    assert [asked["amount"] for asked in peers.asked(FUNDS)] == ["48.00"]
    paid = (await bodies(database, "order.paid"))[-1]
    assert (paid["discount_id"], paid["cash_amount"]) == ("D3", "48.00")


async def test_a_partners_renewal_carries_the_discount_that_it_names(
    door: Door, database: Database, clock: StandingClock, peers: PeerDouble
) -> None:
    customer = await keep_customer(database)
    [resource] = await bought(door, database, clock, customer)
    peers.offers = [offer("D3"), offer("D1", 1, "60.00")]
    body = {
        "customer_id": customer, "order_type": 2, "resource_ids": [resource],
        "period_type": 2, "period_num": 1,
    }  # fmt: skip
    for named, code in (({"discount_id": "D1"}, "CBC.99003108"),
                        ({"discount_id": "D3", "contract_id": "D1"}, "CBC.0100")):  # fmt: skip
        assert code_of(await door.post("/api/orders", body | named, PARTNER))[1] == code
    placed = await door.post("/api/orders", body | {"contract_id": "D1"}, PARTNER)
    assert placed.status_code == 201, placed.text
    assert placed.json()["amount_after_discount"] == "25.00"


async def test_a_partners_renewal_keeps_its_time_to_be_paid(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: leave `pay_before` out of `place_renewal`."""
    customer = await keep_customer(database)
    [resource] = await bought(door, database, clock, customer)
    body = {
        "customer_id": customer, "order_type": 2, "resource_ids": [resource],
        "period_type": 2, "period_num": 1,
    }  # fmt: skip
    past = await door.post("/api/orders", body | {"pay_before": f"{clock.now:%FT%TZ}"}, PARTNER)
    assert code_of(past) == (400, "CBC.0100")
    until = clock.now + timedelta(hours=1)
    placed = await door.post("/api/orders", body | {"pay_before": f"{until:%FT%TZ}"}, PARTNER)
    assert placed.status_code == 201, placed.text
    assert placed.json()["pay_before"] == f"{until:%FT%TZ}"
    clock.now = until
    late = await door.post(PAY, payment(placed.json()["order_id"]), customer_principal(customer))
    assert code_of(late) == (400, "CBC.99003162")
