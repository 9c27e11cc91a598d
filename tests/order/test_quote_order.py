"""POST /api/orders/quotes: the price, the discounts and all refusals; nothing is written."""

from datetime import timedelta
from typing import Any

import pytest

from chassis.database import Database
from testkit.door import Door, code_of
from testkit.outbox import types
from tests.order.builders import (
    MORNING,
    OTHER_PARTNER,
    PARTNER,
    customer_principal,
    keep_customer,
    line,
    offer,
    place,
)
from tests.order.peer_double import PeerDouble

pytestmark = pytest.mark.postgres

QUOTES = "/api/orders/quotes"


async def quoted(door: Door, customer: str, by: Any = PARTNER, **more: Any) -> dict[str, Any]:
    body = {"customer_id": customer, "lines": [line()], **more}
    answer = await door.post(QUOTES, body, by)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_quote_says_what_the_order_then_costs(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    customer = await keep_customer(database)
    ends = MORNING + timedelta(days=1)
    peers.offers = [offer("D0", 0, "17.00", ends_at=ends), offer("D3")]
    for by in (PARTNER, customer_principal(customer)):
        found = await quoted(door, customer, by, discount_id="D0")
        assert found["refusals"] == []
        assert (found["official_amount"], found["amount_after_discount"]) == ("100.00", "68.00")
        assert [
            (one["discount_id"], one["amount_after_discount"]) for one in found["discounts"]
        ] == [("D0", "68.00"), ("D3", "76.50")]
        assert found["pay_until"] == found["discounts"][0]["pay_until"]
        assert found["pay_until"] < found["discounts"][1]["pay_until"]
    assert await types(database) == []
    placed = await place(door, customer, discount_id="D0")
    for name in ("official_amount", "amount_after_discount", "discount_amount", "pay_until"):
        assert placed[name] == found[name]


async def test_all_refusals_are_said_and_not_the_first(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    """Break: leave the loop of `_of_customer` at the first."""
    customer = await keep_customer(
        database, association_type="1", is_frozen=1, authorized=False
    )  # fmt: skip
    peers.marketplace = {"hws.service.type.marketplace"}
    lines = [line(), line("hws.service.type.marketplace")]
    past = MORNING.isoformat()
    found = await quoted(door, customer, lines=lines, discount_id="D3", pay_before=past)
    assert [(one["code"], one["field"]) for one in found["refusals"]] == [
        ("CBC.99000000", "customer_id"), ("CBC.0155", "customer_id"),
        ("CHB.1001", "customer_id"), ("CBC.0100", "pay_before"),
        ("CHB.1002", "lines[1]"), ("CBC.99003108", "discount_id"),
    ]  # fmt: skip
    assert all(one["message"] for one in found["refusals"])
    assert await types(database) == []


async def test_what_is_not_sold_is_named_line_by_line(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    customer = await keep_customer(database)
    peers.refusals["/internal/quotes"] = (400, "CBC.99006006")
    found = await quoted(door, customer, lines=[line(), line()])
    assert found["amount_after_discount"] is None
    assert [(one["code"], one["field"]) for one in found["refusals"]] == [
        ("CBC.99006006", "lines[0]"), ("CBC.99006006", "lines[1]"),
    ]  # fmt: skip


async def test_nothing_is_said_about_anothers_customer(door: Door, database: Database) -> None:
    customer, stranger = await keep_customer(database), await keep_customer(database)
    body = {"customer_id": customer, "lines": [line()]}
    for by in (OTHER_PARTNER, customer_principal(stranger)):
        assert code_of(await door.post(QUOTES, body, by)) == (400, "CBC.99000035")
    assert code_of(await door.post(QUOTES, body | {"lines": []}, PARTNER)) == (400, "CBC.0100")
