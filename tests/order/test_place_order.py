"""Orders placed on behalf of a customer.

See docs/domain/acting-on-behalf.md F6, docs/domain/orders.md B.5.
"""

from decimal import Decimal
from typing import Any

import pytest

from chassis.database import Database
from tests.order.builders import (
    ADMINISTRATOR,
    DISTRIBUTOR,
    OTHER_PARTNER,
    PARTNER,
    customer_principal,
    deeds,
    facts,
    keep_customer,
    line,
    place,
    types_stated,
)
from tests.order.caller import Caller
from tests.order.conftest import SetClock
from tests.order.peer_double import PeerDouble

pytestmark = pytest.mark.postgres


async def test_a_placed_order_waits_seven_days_for_payment_and_is_stated_once(
    caller: Caller, database: Database
) -> None:
    customer = await keep_customer(database)
    placed = await place(caller, customer, [line(quantity=2, period_num=3)])

    assert placed["status"] == 6
    assert placed["created_at"] == "2026-11-23T02:00:00Z"
    assert placed["pay_until"] == "2026-11-30T02:00:00Z"
    assert placed["official_amount"] == 600.00
    assert placed["discount_amount"] == 90.00
    assert placed["amount_after_discount"] == 510.00
    assert placed["placed_by"] == "li.na"
    assert placed["source_type"] == 2
    [(stated, body)] = await facts(database)
    assert stated == "order.created"
    assert body["order_id"] == placed["order_id"]
    assert body["version"] == 1
    assert body["amount_after_discount"] == "510.00"
    assert body["lines"][0]["quantity"] == 2
    assert await deeds(database) == [("order.place", placed["order_id"])]


async def test_ids_sort_by_the_time_of_ordering(
    caller: Caller, database: Database, clock: SetClock
) -> None:
    customer = await keep_customer(database)
    first = await place(caller, customer)
    clock.now = clock.now.replace(microsecond=1)
    second = await place(caller, customer)
    assert first["order_id"].startswith("CS261123020000")
    assert first["order_id"] < second["order_id"]


@pytest.mark.parametrize(("hold_for", "status"), [("review", 1), ("confirmation", 9)])
async def test_a_held_order_has_no_deadline_yet(
    caller: Caller, database: Database, hold_for: str, status: int
) -> None:
    customer = await keep_customer(database)
    placed = await place(caller, customer, hold_for=hold_for)
    assert placed["status"] == status
    assert placed["pay_until"] is None


async def test_an_order_of_several_services_is_combined_and_names_its_members(
    caller: Caller, database: Database
) -> None:
    customer = await keep_customer(database)
    placed = await place(caller, customer, [line(), line("hws.service.type.ebs"), line()])
    members = [item["member_order_id"] for item in placed["lines"]]
    assert placed["is_combined"] is True
    assert members[0] == members[2] != members[1]
    assert placed["order_id"] not in members


async def test_a_distributor_orders_for_its_resellers_customer(
    caller: Caller, database: Database
) -> None:
    customer = await keep_customer(database, partner_id="r1", distributor_id="d1")
    placed = await place(caller, customer, principal=DISTRIBUTOR)
    assert (placed["partner_id"], placed["distributor_id"]) == ("r1", "d1")


async def test_the_same_key_orders_once(caller: Caller, database: Database) -> None:
    customer = await keep_customer(database)
    body = {"customer_id": customer, "lines": [line()]}
    key = {"Idempotency-Key": "once"}
    first = await caller.post(PARTNER, "/api/orders", body, **key)
    again = await caller.post(PARTNER, "/api/orders", body, **key)
    assert again.status_code == 201
    assert again.json() == first.json()
    assert await types_stated(database) == ["order.created"]


async def refused(caller: Caller, database: Database, code: str, status: int, **body: Any) -> None:
    """The request is refused with this code, and nothing is written."""
    principal = body.pop("principal", PARTNER)
    wanted = {"lines": [line()], **body}
    answer = await caller.post(principal, "/api/orders", wanted)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert await facts(database) == []
    assert await deeds(database) == []


async def test_without_the_customers_grant_nothing_is_ordered(
    caller: Caller, database: Database
) -> None:
    customer = await keep_customer(database, authorized=False)
    await refused(caller, database, "CHB.1001", 403, customer_id=customer)


async def test_marketplace_products_cannot_be_ordered_on_behalf(
    caller: Caller, database: Database, peers: PeerDouble
) -> None:
    peers.marketplace.add("hws.service.type.marketplace")
    lines = [line(), line("hws.service.type.marketplace")]
    customer = await keep_customer(database)
    await refused(caller, database, "CHB.1002", 409, customer_id=customer, lines=lines)


async def test_a_referral_customer_orders_for_itself(caller: Caller, database: Database) -> None:
    customer = await keep_customer(database, association_type="1")
    await refused(caller, database, "CBC.99000000", 400, customer_id=customer)


@pytest.mark.parametrize("level", [1, 2])
async def test_for_a_frozen_customer_nothing_is_ordered(
    caller: Caller, database: Database, level: int
) -> None:
    customer = await keep_customer(database, is_frozen=level)
    await refused(caller, database, "CBC.0155", 403, customer_id=customer)


async def test_a_foreign_customer_and_none_at_all_are_refused_alike(
    caller: Caller, database: Database
) -> None:
    foreign = await keep_customer(database, partner_id="p2")
    unlinked = await keep_customer(database, association_status="unlinked")
    for customer in (foreign, unlinked, "nobody"):
        await refused(caller, database, "CBC.99000035", 400, customer_id=customer)


async def test_only_partners_order_on_behalf(caller: Caller, database: Database) -> None:
    customer = await keep_customer(database)
    for principal in (customer_principal(customer), ADMINISTRATOR):
        await refused(caller, database, "CBC.0151", 403, customer_id=customer, principal=principal)
    await refused(
        caller, database, "CBC.99000035", 400, customer_id=customer, principal=OTHER_PARTNER
    )


async def test_billings_refusal_reaches_the_caller(
    caller: Caller, database: Database, peers: PeerDouble
) -> None:
    peers.refusals["/internal/quotes"] = (400, "CBC.99006006")
    await refused(caller, database, "CBC.99006006", 400, customer_id=await keep_customer(database))


async def test_a_quote_that_does_not_add_up_is_no_quote(
    caller: Caller, database: Database, peers: PeerDouble
) -> None:
    priced = peers._priced(line())
    priced["amount_after_discount"] = str(Decimal(priced["amount_after_discount"]) + 1)
    peers.answers["/internal/quotes"] = {"currency": "CNY", "lines": [priced]}
    await refused(caller, database, "CHB.0503", 503, customer_id=await keep_customer(database))


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
    ],
)
async def test_malformed_lines_are_refused(
    caller: Caller, database: Database, lines: list[dict[str, Any]]
) -> None:
    customer = await keep_customer(database)
    await refused(caller, database, "CBC.0100", 400, customer_id=customer, lines=lines)


async def test_a_code_that_does_not_exist_is_an_unknown_value(
    caller: Caller, database: Database
) -> None:
    customer = await keep_customer(database)
    for more in ({"hold_for": "ransom"}, {"lines": [line(charging_mode=2)]}):
        await refused(caller, database, "CBC.0101", 400, customer_id=customer, **more)
