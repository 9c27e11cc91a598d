"""Discounts of an order: offered, carried, listed, paid with (docs/domain/orders.md H.1, H.2)."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from chassis.database import Database
from testkit.clock import StandingClock
from testkit.door import Door, code_of
from testkit.outbox import bodies, types
from tests.order.builders import (
    MORNING,
    ORDERS,
    OTHER_PARTNER,
    PARTNER,
    PAY,
    attempts,
    customer_principal,
    keep_customer,
    line,
    offer,
    payment,
    place,
    using,
)
from tests.order.peer_double import PeerDouble

pytestmark = pytest.mark.postgres

DISCOUNTS = f"{ORDERS}/order-discounts"
RESERVE, HOLD = "/internal/reservations", "/internal/holds"


async def shown(door: Door, order_id: str, customer: str) -> dict[str, Any]:
    answer = await door.get(f"{ORDERS}/details/{order_id}", customer_principal(customer))
    found: dict[str, Any] = answer.json()
    return found


async def listed(door: Door, order_id: str, customer: str) -> list[dict[str, Any]]:
    answer = await door.get(DISCOUNTS, customer_principal(customer), query={"order_id": order_id})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["discounts"]
    return found


async def test_an_order_carries_the_discount_it_names_and_shows_both_reductions(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    """Break: show `discount_amount` whole as 900."""
    customer = await keep_customer(database)
    peers.offers = [offer("D2", 2), offer("D3")]
    placed = await place(door, customer, discount_id="D3")
    assert (placed["amount_after_discount"], placed["discount_amount"]) == ("76.50", "23.50")
    assert (placed["discount_id"], placed["discount_type"]) == ("D3", 3)
    detail = await shown(door, placed["order_id"], customer)
    discounts = [
        {"discount_type": "900", "discount_amount": 15.0},
        {"discount_type": "607", "discount_amount": 8.5},
    ]
    for amounts in (detail["order_info"], detail["order_line_items"][0]):
        assert amounts["amount_after_discount"] == 76.5
        assert amounts["amount_info"]["discounts"] == discounts
    (fact,) = await bodies(database, "order.created")
    assert (fact["discount_id"], fact["granted_discount_amount"]) == ("D3", "8.50")
    (told,) = fact["lines"]
    assert (told["discount_type"], Decimal(told["discount_ratio"])) == (3, Decimal("0.9"))


async def test_the_catalogues_reduction_and_a_granted_one_stand_apart(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    """The numbers of docs/domain/orders.md H.1: 182.12 less a tenth, which is cut to 163.90."""
    customer = await keep_customer(database)
    peers.official, peers.discount = Decimal("214.27"), Decimal("32.15")
    peers.offers = [offer("D3", 3, "18.22")]
    placed = await place(door, customer, discount_id="D3")
    assert placed["amount_after_discount"] == "163.90"
    detail = await shown(door, placed["order_id"], customer)
    for amounts in (detail["order_info"], detail["order_line_items"][0]):
        assert amounts["official_amount"] == 214.27
        assert amounts["amount_after_discount"] == 163.9
        assert amounts["amount_info"]["discounts"] == [
            {"discount_type": "900", "discount_amount": 32.15},
            {"discount_type": "607", "discount_amount": 18.22},
        ]
    (only,) = await listed(door, placed["order_id"], customer)
    (told,) = only["orders"][0]["order_line_items"]
    assert (told["discount_amount"], told["discount_ratio"]) == (18.22, 0.9), "not 0.8999"


@pytest.mark.parametrize(("kind", "code"), [(0, "700"), (1, "601"), (2, "605"), (3, "607")])
async def test_each_kind_has_its_code(
    door: Door, database: Database, peers: PeerDouble, kind: int, code: str
) -> None:
    customer = await keep_customer(database)
    peers.offers = [offer("D", kind)]
    named: dict[str, Any] = {"contract_id": "D"} if kind == 1 else {"discount_id": "D"}
    placed = await place(door, customer, **named)
    detail = await shown(door, placed["order_id"], customer)
    assert [one["discount_type"] for one in detail["order_info"]["amount_info"]["discounts"]] == [
        "900", code,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("named", "refusal"),
    [
        ({"discount_id": "nothing"}, "CBC.99003108"),
        ({"discount_id": "D1"}, "CBC.99003108"),  # a contract is named as one
        ({"contract_id": "D3"}, "CBC.99003108"),
        ({"discount_id": "D3", "contract_id": "D1"}, "CBC.0100"),
        ({"pay_before": "2026-11-23T02:00:00Z"}, "CBC.0100"),
    ],
)
async def test_what_cannot_be_named_refuses_the_order(
    door: Door, database: Database, peers: PeerDouble, named: dict[str, str], refusal: str
) -> None:
    customer = await keep_customer(database)
    peers.offers = [offer("D1", 1), offer("D3")]
    body = {"customer_id": customer, "lines": [line()], **named}
    assert code_of(await door.post("/api/orders", body, PARTNER)) == (400, refusal)
    assert await types(database) == []


async def test_the_list_says_what_an_order_may_have(
    door: Door, database: Database, peers: PeerDouble, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    ends = MORNING + timedelta(days=1)
    peers.offers = [
        offer("D0", 0, ends_at=ends), offer("D2", 2, ends_at=ends),
        offer("D1", 1, "5.00", "3.50", "5.00", mode=1),
    ]  # fmt: skip
    lines = [line(), line(resource_spec_code="other"), line()]
    placed = await place(door, customer, lines)
    found = await listed(door, placed["order_id"].lower(), customer)
    assert [(one["discount_id"], one["discount_type"]) for one in found] == [
        ("D0", 0), ("D2", 2), ("D1", 1),
    ]  # fmt: skip
    assert found[2]["discount_value"] == ""  # of a fixed price
    first, second, third = (f"{placed['order_id']}-{number:06}" for number in (1, 2, 3))
    assert found[2]["orders"] == [
        {
            "order_id": placed["order_id"],
            "order_line_items": [
                {"order_line_item_ids": [first, third], "discount_mode": 1,
                 "discount_amount": 10.0, "discount_ratio": 0.9},
                {"order_line_item_ids": [second], "discount_mode": 1,
                 "discount_amount": 3.5, "discount_ratio": 0.9},
            ],
        }
    ]  # fmt: skip
    clock.now = ends
    left = await listed(door, placed["order_id"], customer)
    assert [one["discount_id"] for one in left] == ["D2", "D1"]  # only promotions end for it


async def test_the_list_refuses_what_the_customer_cannot_pay(
    door: Door, database: Database
) -> None:
    customer, stranger = await keep_customer(database), await keep_customer(database)
    order = await place(door, customer, [line(), line("hws.service.type.ebs")])
    member = order["lines"][0]["member_order_id"]

    async def refusal(order_id: str, who: str) -> tuple[int, str]:
        query = {"order_id": order_id}
        return code_of(await door.get(DISCOUNTS, customer_principal(who), query=query))

    assert await refusal(member, customer) == (400, "CBC.99000089")
    assert await refusal(member, stranger) == (400, "CBC.30000010")
    assert await refusal(order["order_id"], stranger) == (400, "CBC.30000010")
    await door.post(PAY, payment(order["order_id"]), customer_principal(customer))
    assert await refusal(order["order_id"], customer) == (400, "CBC.99003106")


async def test_a_payment_with_another_discount_pays_its_price_and_tells_everybody(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    """Break: leave out `carry_discount` in `_settle`."""
    customer = await keep_customer(database)
    peers.offers = [offer("D3"), offer("D2", 2, "17.00")]
    peers.coupons = {"C1": (1, "20.00")}
    placed = await place(door, customer, discount_id="D3")
    body = using(placed["order_id"], "D2", 2, "C1")
    assert (await door.post(PAY, body, customer_principal(customer))).status_code == 204
    (reserved,) = peers.asked(RESERVE)
    assert [
        (one["amount_after_discount"], one["discount_type"], Decimal(one["discount_ratio"]))
        for one in reserved["lines"]
    ] == [("68.00", 2, Decimal("0.9"))]
    bought = [(x["order_type"], x["charging_mode"], x["period_type"]) for x in reserved["lines"]]
    assert bought == [(1, 1, 2)]  # as limits of coupons ask
    assert [hold["amount"] for hold in peers.asked(HOLD)] == ["48.00"]
    (paid,) = await bodies(database, "order.paid")
    assert (paid["discount_id"], paid["discount_type"]) == ("D2", 2)
    assert (paid["discount_amount"], paid["amount_after_discount"]) == ("32.00", "68.00")
    (told,) = paid["lines"]
    assert (told["coupon_amount"], told["cash_amount"]) == ("20.00", "48.00")


async def test_a_payment_without_one_pays_what_the_order_carries(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    customer = await keep_customer(database)
    peers.offers, peers.coupons = [offer("D3")], {"C1": (1, "20.00")}
    placed = await place(door, customer, discount_id="D3")
    body = payment(placed["order_id"], "C1")
    assert (await door.post(PAY, body, customer_principal(customer))).status_code == 204
    (reserved,) = peers.asked(RESERVE)
    assert reserved["lines"][0]["discount_type"] == 3  # compared with the coupon, too
    assert [hold["amount"] for hold in peers.asked(HOLD)] == ["56.50"]


async def test_a_failed_payment_leaves_the_order_as_it_was(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    """Break: carry the discount in `_open_attempt`."""
    customer = await keep_customer(database)
    peers.offers = [offer("D3"), offer("D0", 0, "17.00", ends_at=MORNING + timedelta(hours=1))]
    placed = await place(door, customer, discount_id="D3")
    peers.refusals[HOLD] = (400, "CBC.99005003")
    answer = await door.post(PAY, using(placed["order_id"], "D0", 0), customer_principal(customer))
    assert code_of(answer) == (400, "CBC.99005003")
    (failed,) = await bodies(database, "order.payment_failed")
    for name in ("discount_id", "amount_after_discount", "pay_until"):
        assert failed[name] == placed[name]
    assert [attempt.discount_id for attempt in await attempts(database)] == ["D0"]


@pytest.mark.parametrize(
    ("discount_id", "kind", "code"),
    [
        ("D0", 0, "CBC.99003108"),  # its promotion has ended
        ("D1", 2, "CBC.99003108"),  # a contract in disguise
        ("D1", 1, "CBC.0101"),
        ("D2", 3, "CBC.99003108"),  # not of that kind
        ("other", 3, "CBC.99003108"),  # another order's
        ("nothing", 609, "CBC.99003108"),
    ],
)
async def test_what_is_not_offered_for_this_order_pays_nothing(
    door: Door, database: Database, peers: PeerDouble, clock: StandingClock,
    discount_id: str, kind: int, code: str,
) -> None:  # fmt: skip
    customer = await keep_customer(database)
    peers.offers = [offer("other")]
    await place(door, customer)
    ends = MORNING + timedelta(days=1)
    peers.offers = [offer("D0", 0, ends_at=ends), offer("D1", 1), offer("D2", 2, ends_at=ends)]
    placed = await place(door, customer)
    clock.now = ends
    body = using(placed["order_id"], discount_id, kind)
    assert code_of(await door.post(PAY, body, customer_principal(customer))) == (400, code)
    assert await attempts(database) == []
    body = using(placed["order_id"], "D2", 2)  # ended, but settled when it was ordered
    assert (await door.post(PAY, body, customer_principal(customer))).status_code == 204


async def test_two_discounts_at_once_are_refused(door: Door, database: Database) -> None:
    customer = await keep_customer(database)
    placed = await place(door, customer)
    body = using(placed["order_id"], "D2", 2)
    body["discount_infos"] *= 2
    assert code_of(await door.post(PAY, body, customer_principal(customer))) == (400, "CBC.0100")


def adjustment(order_id: str) -> str:
    return f"/api/orders/{order_id}/price-adjustment"


async def test_an_adjusted_price_replaces_the_discount_and_nothing_replaces_it(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    """Break: leave out the question for ADJUSTMENT in `choose_discount`."""
    customer = await keep_customer(database)
    peers.official, peers.discount = Decimal("64.40"), Decimal("0.00")
    peers.offers = [offer("D2", 2, "6.44", "6.44"), offer("D3", 3, "6.44", "6.44")]
    placed = await place(door, customer, [line(), line(quantity=2)], discount_id="D3")
    order_id = placed["order_id"]
    told = {"amount_after_discount": "100.00", "reason": "as agreed"}
    in_dollars = await door.post(adjustment(order_id), {**told, "currency": "USD"})
    assert (in_dollars.status_code, in_dollars.json()["code"]) == (400, "CBC.0100")
    answer = await door.post(adjustment(order_id.lower()), told, PARTNER)
    assert answer.status_code == 200, answer.text
    adjusted = answer.json()
    assert (adjusted["amount_after_discount"], adjusted["discount_type"]) == ("100.00", 609)
    assert [one["amount_after_discount"] for one in adjusted["lines"]] == ["33.33", "66.67"]
    (fact,) = await bodies(database, "order.repriced")
    assert (fact["discount_id"], fact["version"]) == (adjusted["discount_id"], 2)
    detail = await shown(door, order_id, customer)
    assert detail["order_info"]["amount_info"]["discounts"] == [
        {"discount_type": "609", "discount_amount": 93.2}
    ]
    (only,) = await listed(door, order_id, customer)
    assert (only["discount_id"], only["discount_type"]) == (adjusted["discount_id"], 609)
    other = using(order_id, "D2", 2)
    refused = await door.post(PAY, other, customer_principal(customer))
    assert code_of(refused) == (400, "CBC.99003108")
    again = await door.post(adjustment(order_id), told | {"amount_after_discount": "0"}, PARTNER)
    assert again.json()["amount_after_discount"] == "0.00"
    gone = using(order_id, adjusted["discount_id"], 609)
    assert code_of(await door.post(PAY, gone, customer_principal(customer)))[1] == "CBC.99003108"
    body = using(order_id, again.json()["discount_id"], 609)
    assert (await door.post(PAY, body, customer_principal(customer))).status_code == 204
    assert peers.asked(HOLD) == []
    late = await door.post(adjustment(order_id), told, PARTNER)
    assert code_of(late) == (400, "CBC.99003106")


async def test_an_adjusted_price_is_what_a_payment_without_discount_pays(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    customer = await keep_customer(database)
    placed = await place(door, customer)
    told = {"amount_after_discount": "80.00", "reason": "as agreed"}
    await door.post(adjustment(placed["order_id"]), told, PARTNER)
    body = payment(placed["order_id"])
    assert (await door.post(PAY, body, customer_principal(customer))).status_code == 204
    assert [hold["amount"] for hold in peers.asked(HOLD)] == ["80.00"]


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"amount_after_discount": "85.01", "reason": "x"}, "CBC.0100"),
        ({"amount_after_discount": "1.001", "reason": "x"}, "CBC.0100"),
        ({"amount_after_discount": "-1", "reason": "x"}, "CBC.0100"),
        ({"amount_after_discount": "1.00"}, "CBC.0100"),
        ({"amount_after_discount": "1.00", "reason": "x", "more": 1}, "CBC.0100"),
    ],
)
async def test_no_price_is_adjusted_to_what_is_none(
    door: Door, database: Database, told: dict[str, Any], code: str
) -> None:
    customer = await keep_customer(database)
    placed = await place(door, customer)
    answer = await door.post(adjustment(placed["order_id"]), told, PARTNER)
    assert code_of(answer) == (400, code)
    assert await types(database) == ["order.created"]


async def test_nobody_adjusts_anothers_order_or_one_that_is_being_paid(
    door: Door, database: Database, peers: PeerDouble
) -> None:
    customer = await keep_customer(database)
    placed = await place(door, customer)
    told = {"amount_after_discount": "1.00", "reason": "x"}
    answers = []

    async def meanwhile(_: Any) -> None:
        answers.append(await door.post(adjustment(placed["order_id"]), told, PARTNER))

    foreign = await door.post(adjustment(placed["order_id"]), told, OTHER_PARTNER)
    assert code_of(foreign) == (404, "CHB.0404")
    peers.before[HOLD] = meanwhile
    body = payment(placed["order_id"])
    assert (await door.post(PAY, body, customer_principal(customer))).status_code == 204
    assert [code_of(answer) for answer in answers] == [(400, "CBC.99003106")]
