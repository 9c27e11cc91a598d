"""Orders placed on behalf of a customer.

See docs/domain/acting-on-behalf.md F6, docs/domain/orders.md B.5.
"""

from decimal import Decimal
from typing import Any

import pytest

from chassis.database import Database
from testkit import audit, outbox
from testkit.clock import StandingClock
from testkit.door import ADMINISTRATOR, Door
from tests.order.builders import (
    DISTRIBUTOR,
    OTHER_PARTNER,
    PARTNER,
    customer_principal,
    keep_customer,
    line,
    place,
)
from tests.order.peer_double import PeerDouble

pytestmark = pytest.mark.postgres


async def test_a_placed_order_waits_seven_days_for_payment_and_is_stated_once(
    door: Door, database: Database
) -> None:
    customer = await keep_customer(database)
    placed = await place(door, customer, [line(quantity=2, period_num=3)])

    assert placed["status"] == 6
    assert placed["created_at"] == "2026-11-23T02:00:00Z"
    assert placed["pay_until"] == "2026-11-30T02:00:00Z"
    assert placed["official_amount"] == "600.00"
    assert placed["discount_amount"] == "90.00"
    assert placed["amount_after_discount"] == "510.00"
    assert placed["lines"][0]["official_amount"] == "600.00"
    assert [one["currency"] for one in (placed, *placed["lines"])] == ["CNY", "CNY"]
    assert placed["placed_by"] == "op-1"
    assert placed["source_type"] == 2
    [(stated, body)] = await outbox.stated(database)
    assert stated == "order.created"
    assert body["order_id"] == placed["order_id"]
    assert body["version"] == 1
    assert body["amount_after_discount"] == "510.00"
    assert body["lines"][0]["quantity"] == 2
    assert await audit.deeds(database) == [("order.place", placed["order_id"])]


async def test_ids_sort_by_the_time_of_ordering(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    first = await place(door, customer)
    clock.now = clock.now.replace(microsecond=1)
    second = await place(door, customer)
    assert first["order_id"].startswith("CS261123020000")
    assert first["order_id"] < second["order_id"]


@pytest.mark.parametrize(("hold_for", "status"), [("review", 1), ("confirmation", 9)])
async def test_a_held_order_has_no_deadline_yet(
    door: Door, database: Database, hold_for: str, status: int
) -> None:
    customer = await keep_customer(database)
    placed = await place(door, customer, hold_for=hold_for)
    assert placed["status"] == status
    assert placed["pay_until"] is None


async def test_an_order_of_several_services_is_combined_and_names_its_members(
    door: Door, database: Database
) -> None:
    customer = await keep_customer(database)
    placed = await place(door, customer, [line(), line("hws.service.type.ebs"), line()])
    members = [item["member_order_id"] for item in placed["lines"]]
    assert placed["is_combined"] is True
    assert members[0] == members[2] != members[1]
    assert placed["order_id"] not in members


async def test_a_distributor_orders_for_its_resellers_customer(
    door: Door, database: Database
) -> None:
    customer = await keep_customer(database, partner_id="r1", distributor_id="d1")
    placed = await place(door, customer, principal=DISTRIBUTOR)
    assert (placed["partner_id"], placed["distributor_id"]) == ("r1", "d1")


async def test_the_same_key_orders_once(door: Door, database: Database) -> None:
    customer = await keep_customer(database)
    body = {"customer_id": customer, "lines": [line()]}
    key = {"Idempotency-Key": "once"}
    first = await door.post("/api/orders", body, PARTNER, headers=key)
    again = await door.post("/api/orders", body, PARTNER, headers=key)
    assert again.status_code == 201
    assert again.json() == first.json()
    assert await outbox.types(database) == ["order.created"]


async def refused(door: Door, database: Database, code: str, status: int, **body: Any) -> None:
    """The request is refused with this code, and nothing is written."""
    principal = body.pop("principal", PARTNER)
    wanted = {"lines": [line()], **body}
    answer = await door.post("/api/orders", wanted, principal)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert await outbox.stated(database) == []
    assert await audit.deeds(database) == []


async def test_without_the_customers_grant_nothing_is_ordered(
    door: Door, database: Database
) -> None:
    customer = await keep_customer(database, authorized=False)
    await refused(door, database, "CHB.1001", 403, customer_id=customer)


async def test_marketplace_products_cannot_be_ordered_on_behalf(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    peers.marketplace.add("hws.service.type.marketplace")
    lines = [line(), line("hws.service.type.marketplace")]
    customer = await keep_customer(database)
    await refused(door, database, "CHB.1002", 409, customer_id=customer, lines=lines)


async def test_a_referral_customer_orders_for_itself(door: Door, database: Database) -> None:
    customer = await keep_customer(database, association_type="1")
    await refused(door, database, "CBC.99000000", 400, customer_id=customer)


@pytest.mark.parametrize("level", [1, 2])
async def test_for_a_frozen_customer_nothing_is_ordered(
    door: Door, database: Database, level: int
) -> None:
    customer = await keep_customer(database, is_frozen=level)
    await refused(door, database, "CBC.0155", 403, customer_id=customer)


async def test_a_foreign_customer_and_none_at_all_are_refused_alike(
    door: Door, database: Database
) -> None:
    foreign = await keep_customer(database, partner_id="p2")
    unlinked = await keep_customer(database, association_status="unlinked")
    for customer in (foreign, unlinked, "nobody"):
        await refused(door, database, "CBC.99000035", 400, customer_id=customer)


async def test_only_partners_order_on_behalf(door: Door, database: Database) -> None:
    customer = await keep_customer(database)
    for principal in (customer_principal(customer), ADMINISTRATOR):
        await refused(door, database, "CBC.0151", 403, customer_id=customer, principal=principal)
    await refused(
        door, database, "CBC.99000035", 400, customer_id=customer, principal=OTHER_PARTNER
    )


async def test_billings_refusal_reaches_the_caller(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    peers.refusals["/internal/quotes"] = (400, "CBC.99006006")
    await refused(door, database, "CBC.99006006", 400, customer_id=await keep_customer(database))


async def test_a_quote_that_does_not_add_up_is_no_quote(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    priced = peers._priced(line())
    priced["amount_after_discount"] = str(Decimal(priced["amount_after_discount"]) + 1)
    peers.answers["/internal/quotes"] = {"currency": "CNY", "lines": [priced]}
    await refused(door, database, "CHB.0503", 503, customer_id=await keep_customer(database))


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [line()] * 21,
        [line(quantity=0)],
        [line(quantity=101)],
        [line(quantity=True)],
        [line(period_type=None)],
        [line(charging_mode=3)],
        [line(service_type_code="")],
        [line(measure_size=0.001)],
        [line(period_num=37)],
        [line(period_type=3, period_num=6)],
    ],
)
async def test_malformed_lines_are_refused(
    door: Door, database: Database, lines: list[dict[str, Any]]
) -> None:
    customer = await keep_customer(database)
    await refused(door, database, "CBC.0100", 400, customer_id=customer, lines=lines)


async def test_a_code_that_does_not_exist_is_an_unknown_value(
    door: Door, database: Database
) -> None:
    customer = await keep_customer(database)
    for more in ({"hold_for": "ransom"}, {"lines": [line(charging_mode=2)]}):
        await refused(door, database, "CBC.0101", 400, customer_id=customer, **more)
