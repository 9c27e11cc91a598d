"""What an unsubscription would give back is what it gives back (docs/domain/resources.md H.9)."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import update

from chassis.database import Database
from order.copies import Customer
from testkit import audit, outbox
from testkit.clock import StandingClock
from testkit.door import Door
from tests.order.builders import (
    OTHER_PARTNER,
    PARTNER,
    PAY,
    customer_principal,
    keep_customer,
    line,
    payment,
    place,
)
from tests.order.peer_double import PeerDouble
from tests.order.test_unsubscribe_resources import DISK, EBS, bought, renewed, rows, unsubscribe
from wire.times import BEIJING

pytestmark = pytest.mark.postgres

QUOTES = "/api/resources/refund-quotes"


async def test_a_quote_says_by_period_what_the_unsubscription_then_gives_back(
    door: Door, database: Database, clock: StandingClock, peers: PeerDouble
) -> None:
    """Break: quote without the coupons, or write the plan."""
    peers.official, peers.discount = Decimal("120.00"), Decimal("0.00")
    peers.coupons = {"CP1": (1, "20.00"), "CP2": (4, "30.00")}
    customer = await keep_customer(database)
    order, [resource] = await bought(door, database, clock, customer, coupons=("CP1",), flexi="CP2")
    await renewed(database, resource)
    clock.now += timedelta(days=5)
    before = await outbox.stated(database), await audit.deeds(database)
    asked = {"resource_ids": [resource]}
    answers = [
        await door.post(QUOTES, asked, who) for who in (customer_principal(customer), PARTNER)
    ]
    assert [one.status_code for one in answers] == [200, 200], answers[0].text
    assert answers[0].json() == answers[1].json()
    quote = answers[0].json()
    assert (quote["refund_amount"], quote["five_days_left"]) == ("123.66", 10)
    [of_resource] = quote["resources"]
    first, second = of_resource["periods"]
    assert (first["rule"], second["rule"]) == ("conditional", "not_effective")
    assert (first["hours_used"], first["hours_total"], second["hours_used"]) == (120, 734, None)
    assert (first["consumed_amount"], first["commission_amount"]) == ("16.34", "10.00")
    assert (first["order_id"], first["payer_id"]) == (order["order_id"], customer)
    assert first["paid"] == {
        "currency": "CNY", "coupon_amount": "20.00", "flexipurchase_coupon_amount": "30.00",
        "stored_card_amount": "0.00", "cash_amount": "70.00", "credit_amount": "0.00",
    }  # fmt: skip
    assert (first["back"]["coupon_amount"], first["back"]["cash_amount"]) == ("0.00", "51.56")
    assert second["back"]["cash_amount"] == "50.00"
    assert (await outbox.stated(database), await audit.deeds(database)) == before

    assert (await unsubscribe(door, customer, resource)).status_code == 200
    refunded = (await outbox.stated(database))[-2][1]
    assert refunded["amount_after_discount"] == quote["refund_amount"]
    refused = await door.post(QUOTES, asked, customer_principal(customer))
    assert (refused.status_code, refused.json()["code"]) == (400, "CBC.30000067")


async def test_the_worked_disk_goes_back_at_the_door_as_the_quote_says(
    door: Door, database: Database, clock: StandingClock, peers: PeerDouble
) -> None:
    """The numbers of docs/domain/resources.md H.9, rows of the refund included; in Beijing."""
    peers.official, peers.discount = Decimal("120.00"), Decimal("0.00")
    peers.coupons = {"CP1": (1, "20.00"), "CP2": (4, "30.00")}
    customer = await keep_customer(database)
    clock.now = datetime(2024, 1, 1, 10, 29, 58, tzinfo=BEIJING)
    _, [disk] = await bought(
        door, database, clock, customer, line(EBS, **DISK), coupons=("CP1",), flexi="CP2"
    )
    clock.now = datetime(2024, 1, 15, 18, 40, tzinfo=BEIJING)
    quote = await door.post(QUOTES, {"resource_ids": [disk]}, customer_principal(customer))
    [period] = quote.json()["resources"][0]["periods"]
    assert period["begin_at"] == "2024-01-01T02:30:00Z"
    assert period["end_at"] == "2024-02-01T15:59:59Z"
    assert (period["hours_used"], period["hours_total"]) == (344, 758)
    assert (period["paid"]["coupon_amount"], period["paid"]["cash_amount"]) == ("20.00", "70.00")
    [order_id] = (await unsubscribe(door, customer, disk)).json()["order_ids"]
    assert await rows(door, customer, order_id) == ["-100.00", "45.38", "10.00"]
    refunded = (await outbox.stated(database))[-2][1]
    told = (refunded["consumed_amount"], refunded["commission_amount"])
    assert (told, refunded["amount_after_discount"]) == (("45.38", "10.00"), "44.62")
    [part] = refunded["refunds"]
    assert (part["flexipurchase_coupon_amount"], part["cash_amount"]) == ("13.39", "31.23")
    assert refunded["coupon_amount"] == "0.00"


async def test_how_many_of_the_ten_are_left_decides_each_resources_rule(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    _, nine = await bought(door, database, clock, customer, line(quantity=9))
    assert (await unsubscribe(door, customer, *nine)).status_code == 200
    _, two = await bought(door, database, clock, customer, line(quantity=2))
    answer = await door.post(QUOTES, {"resource_ids": two}, customer_principal(customer))
    quote = answer.json()
    assert quote["five_days_left"] == 1
    rules = [one["periods"][0]["rule"] for one in quote["resources"]]
    assert rules == ["five_days", "conditional"]


async def test_what_a_master_paid_is_not_told_to_its_member(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: show each caller the money of whoever paid."""
    master = await keep_customer(database)
    member = await keep_customer(database, paying_master_id=master)
    order = await place(door, member)
    await door.post(PAY, payment(order["order_id"]), customer_principal(member))
    _, [own] = await bought(door, database, clock, master)
    pays = await door.post(PAY, payment(order["order_id"]), customer_principal(master))
    assert pays.status_code == 204
    _, [second] = await bought(door, database, clock, master)
    shown = await door.post(
        "/v2/orders/suscriptions/resources/query", {}, customer_principal(member)
    )
    [resource] = [one["resource_id"] for one in shown.json()["data"]]
    for who, cash in ((customer_principal(member), None), (PARTNER, "85.00")):
        answer = await door.post(QUOTES, {"resource_ids": [resource]}, who)
        [period] = answer.json()["resources"][0]["periods"]
        assert (period["payer_id"], period["back"]["cash_amount"]) == (master, cash)
    mixed = await door.post(QUOTES, {"resource_ids": [own, resource]}, PARTNER)
    assert mixed.json()["code"] == "CBC.99003012", "of two customers"
    assert second


async def test_a_quote_is_refused_as_the_unsubscription_would_be(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer, stranger = await keep_customer(database), await keep_customer(database)
    lines = [line(), line(EBS, attach_to=1, **DISK)]
    _, [main] = await bought(door, database, clock, customer, *lines)
    own = customer_principal(customer)
    both = await door.post(QUOTES, {"resource_ids": [main]}, own)
    attached = both.json()["resources"][1]
    assert attached["main_resource_id"] == main
    for who, body, code in (
        (own, {"resource_ids": [attached["resource_id"]]}, "CBC.99003185"),
        (own, {"resource_ids": ["nobody"]}, "CBC.99003012"),
        (customer_principal(stranger), {"resource_ids": [main]}, "CBC.99003012"),
        (OTHER_PARTNER, {"resource_ids": [main]}, "CBC.99003012"),
        (PARTNER, {"resource_ids": ["nobody"]}, "CBC.99003012"),
        (own, {"resource_ids": [main], "unsubscribe_type": 2}, "CBC.99003128"),
        (own, {"resource_ids": [main, main]}, "CBC.0100"),
        (own, {"resource_ids": []}, "CBC.0100"),
        (own, {"resource_ids": [f"r{n}" for n in range(11)]}, "CBC.0100"),
        (own, {"resource_ids": [main], "unsubscribe_type": 3}, "CBC.0101"),
    ):
        refused = await door.post(QUOTES, body, who)
        assert (refused.status_code, refused.json()["code"]) == (400, code), refused.text
    async with database.transaction() as session:
        frozen = update(Customer).where(Customer.customer_id == customer).values(is_frozen=2)
        await session.execute(frozen)
    for who in (own, PARTNER):
        refused = await door.post(QUOTES, {"resource_ids": [main]}, who)
        assert refused.json()["code"] == "CBC.30000052"
