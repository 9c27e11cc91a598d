"""What the system chooses when it pays (docs/domain/orders.md H.4, H.5)."""

from datetime import timedelta
from decimal import Decimal

import pytest

from chassis.database import Database
from chassis.parts import ServiceApp
from order.parts import OrderParts
from order.payments.pay_automatically import pay_automatically
from testkit.door import Door
from testkit.outbox import bodies, types
from tests.order.builders import (
    MORNING,
    PARTNER,
    PAY,
    customer_principal,
    keep_customer,
    offer,
    payment,
    place,
)
from tests.order.peer_double import Content, PeerDouble

pytestmark = pytest.mark.postgres

HOLD, RESERVE = "/internal/holds", "/internal/reservations"


async def paid(app: ServiceApp[OrderParts], order_id: str) -> str | None:
    return await pay_automatically(app.parts.database, app.parts.peers, order_id, MORNING)


async def test_the_lowest_price_and_the_largest_cash_coupon_pay_first(
    app: ServiceApp[OrderParts], door: Door, database: Database, peers: PeerDouble
) -> None:
    """Break: take the first of what is offered."""
    customer = await keep_customer(database)
    peers.offers = [offer("D2", 2), offer("D3", 3, "17.00"), offer("D1", 1, "60.00")]
    peers.coupons = {"small": (1, "5.00"), "large": (1, "20.00"), "flexi": (4, "500.00")}
    placed = await place(door, customer)
    assert await paid(app, placed["order_id"]) is None
    assert await types(database) == ["order.created", "order.repriced", "order.paid"]
    (fact,) = await bodies(database, "order.paid")
    assert (fact["discount_id"], fact["amount_after_discount"]) == ("D3", "68.00")
    assert [use["coupon_id"] for use in fact["coupons"]] == ["large"]
    assert fact["cash_amount"] == "48.00"


async def test_equal_prices_and_balances_are_settled_by_their_ends_then_ids(
    app: ServiceApp[OrderParts], door: Door, database: Database, peers: PeerDouble
) -> None:
    customer = await keep_customer(database)
    peers.offers = [
        offer("Da", ends_at=MORNING + timedelta(days=9)),
        offer("Dc", ends_at=MORNING + timedelta(days=8)),
        offer("Db", ends_at=MORNING + timedelta(days=8)),
    ]
    peers.coupons = {"Ca": (1, "5.00"), "Cc": (1, "5.00"), "Cb": (1, "5.00")}
    peers.ends = {"Cc": "2026-12-01T00:00:00+00:00", "Cb": "2026-12-01T00:00:00+00:00"}
    placed = await place(door, customer)
    assert await paid(app, placed["order_id"]) is None
    (fact,) = await bodies(database, "order.paid")
    assert (fact["discount_id"], fact["coupons"][0]["coupon_id"]) == ("Db", "Cb")


async def test_a_refused_payment_keeps_the_chosen_discount(
    app: ServiceApp[OrderParts], door: Door, database: Database, peers: PeerDouble
) -> None:
    customer = await keep_customer(database)
    peers.offers, peers.refusals = [offer("D3")], {HOLD: (400, "CBC.99005003")}
    placed = await place(door, customer)
    assert await paid(app, placed["order_id"]) == "CBC.99005003"
    shown = (await door.get(f"/api/orders/{placed['order_id']}", PARTNER)).json()
    assert (shown["status"], shown["discount_id"]) == (6, "D3")
    assert await types(database) == ["order.created", "order.repriced", "order.payment_failed"]
    assert await paid(app, placed["order_id"]) == "CBC.99005003"  # nothing new to choose
    assert (await types(database)).count("order.repriced") == 1


async def test_an_adjusted_price_and_a_contract_that_is_cheapest_stay(
    app: ServiceApp[OrderParts], door: Door, database: Database, peers: PeerDouble
) -> None:
    customer = await keep_customer(database)
    peers.offers = [offer("D1", 1, "60.00"), offer("D3", 3, "17.00")]
    contracted = await place(door, customer, contract_id="D1")
    adjusted = await place(door, customer)
    told = {"amount_after_discount": "80.00", "reason": "x"}
    path = f"/api/orders/{adjusted['order_id']}/price-adjustment"
    assert (await door.post(path, told, PARTNER)).status_code == 200
    for placed in (contracted, adjusted):
        assert await paid(app, placed["order_id"]) is None
    amounts = [fact["cash_amount"] for fact in await bodies(database, "order.paid")]
    assert amounts == ["25.00", "80.00"]


async def test_the_price_stays_while_somebody_is_paying_it(
    app: ServiceApp[OrderParts], door: Door, database: Database, peers: PeerDouble
) -> None:
    """Break: leave the question for open attempts out of `_choose`; 85.00 is held for 68.00."""
    customer = await keep_customer(database)
    peers.offers = [offer("D3", 3, "17.00")]
    placed = await place(door, customer)
    order_id = placed["order_id"]
    refused = list[str | None]()

    async def meanwhile(_content: Content) -> None:
        refused.append(await paid(app, order_id))

    peers.before[HOLD] = meanwhile
    answer = await door.post(PAY, payment(order_id), customer_principal(customer))
    assert answer.status_code == 204, answer.text
    assert refused == ["CBC.99008040"]
    assert await types(database) == ["order.created", "order.paid"]
    (fact,) = await bodies(database, "order.paid")
    assert (fact["amount_after_discount"], fact["cash_amount"]) == ("85.00", "85.00")


async def test_a_custody_members_order_takes_its_masters_means_or_asks_it(
    app: ServiceApp[OrderParts], door: Door, database: Database, peers: PeerDouble
) -> None:
    """Break: leave out `_ask_master`."""
    master = await keep_customer(database)
    member = await keep_customer(database, paying_master_id=master)
    peers.coupons = {"C1": (1, "20.00")}
    first, second = await place(door, member), await place(door, member)
    assert await paid(app, first["order_id"]) is None
    (fact,) = await bodies(database, "order.paid")
    assert (fact["customer_id"], fact["paying_agent_id"]) == (member, master)
    assert {call["customer_id"] for call in peers.asked(RESERVE) + peers.asked(HOLD)} == {master}
    peers.refusals = {HOLD: (400, "CBC.99005003")}
    assert await paid(app, second["order_id"]) == "CBC.99005003"
    (asked,) = await bodies(database, "order.payment_requested")
    assert (asked["order_id"], asked["paying_agent_id"]) == (second["order_id"], master)


async def test_what_is_not_payable_is_said_and_nothing_is_chosen(
    app: ServiceApp[OrderParts], door: Door, database: Database, peers: PeerDouble
) -> None:
    customer = await keep_customer(database)
    peers.offers = [offer("D3")]
    placed = await place(door, customer, hold_for="review")
    assert await paid(app, placed["order_id"]) == "CBC.99003106"
    assert await types(database) == ["order.created"]
    assert Decimal(placed["amount_after_discount"]) == Decimal("85.00")
