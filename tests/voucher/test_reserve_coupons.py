"""Reserving coupons for a payment attempt, and what its outcome does; each event told twice."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from tests.voucher.builders import (
    ECS,
    NOW,
    RESERVE,
    Door,
    a_line,
    associated,
    customer,
    failed,
    hear,
    paid,
    reservation,
    rows_of,
    settle_in,
    stated,
    unlinked,
    wire,
)
from voucher.attempts.models import Attempt
from voucher.attempts.settle_attempt import OutcomeContradictsError
from voucher.coupons.models import Coupon, Reservation
from voucher.ledger.models import Movement

pytestmark = pytest.mark.postgres


async def test_a_coupon_pays_what_the_order_costs_and_keeps_the_rest(door: Door) -> None:
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant(), face=100)
    answer = await door.reserve("a1", [coupon_id], "37.50")
    assert answer.status_code == 200
    assert answer.json() == {
        "coupons": [{"coupon_id": coupon_id, "coupon_type": 1, "amount": "37.50"}]
    }
    held = await door.held(coupon_id)
    assert held.lock_order_id == "CS1"
    assert held.reserved_amount == Decimal("37.50")
    assert held.balance == 100
    [event] = await stated(door.database, "voucher.reserved")
    assert (event["attempt_id"], event["amount"], event["reserved_amount"]) == (
        "a1", "37.50", "37.50",
    )  # fmt: skip
    assert await door.is_balanced()


async def test_paid_redeems_once_though_told_twice(door: Door) -> None:
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant(), face=100)
    await door.reserve("a1", [coupon_id], "37.50")
    event = paid("a1", {coupon_id: "37.50"})
    await hear(door.database, event)
    await hear(door.database, event)
    coupon = await door.held(coupon_id)
    assert coupon.balance == Decimal("62.50")
    assert coupon.reserved_amount == 0
    assert (coupon.status, coupon.lock_order_id, coupon.order_id) == (2, None, "CS1")
    [told] = await stated(door.database, "voucher.redeemed")
    assert (told["amount"], told["balance"], told["order_id"]) == ("37.50", "62.50", "CS1")
    proof = await door.proof()
    assert proof["balanced"]
    assert proof["totals"] == [
        {
            "currency": "CNY", "granted": 1000.0, "in_quotas": 900.0, "in_coupons": 62.5,
            "redeemed": 37.5,
        }
    ]  # fmt: skip


async def test_a_coupon_is_used_up_at_zero_and_pays_no_more(door: Door) -> None:
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant(), face=80)
    await door.reserve("a1", [coupon_id], "100.00")
    await hear(door.database, paid("a1", {coupon_id: "80.00"}))
    coupon = await door.held(coupon_id)
    assert coupon.status == 3
    assert coupon.balance == 0
    answer = await door.reserve("a2", [coupon_id], order="CS2")
    assert (answer.status_code, answer.json()["code"]) == (400, "CBC.99003112")
    assert await rows_of(door.database, Attempt) == 1


async def test_many_small_payments_add_up_to_the_cent(door: Door) -> None:
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant("0.30"), face="0.30")
    for n, amount in enumerate(("0.10", "0.10", "0.10")):
        answer = await door.reserve(f"a{n}", [coupon_id], amount, f"CS{n}")
        assert answer.json()["coupons"][0]["amount"] == "0.10"
        await hear(door.database, paid(f"a{n}", {coupon_id: "0.10"}, f"CS{n}"))
    coupon = await door.held(coupon_id)
    assert (coupon.status, coupon.balance) == (3, Decimal("0.00"))
    assert await door.is_balanced()


async def test_payment_failed_releases_once_though_told_twice(door: Door) -> None:
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant(), face=100)
    await door.reserve("a1", [coupon_id])
    await hear(door.database, failed("a1"), failed("a1"))
    coupon = await door.held(coupon_id)
    assert coupon.balance == 100
    assert coupon.reserved_amount == 0
    assert coupon.lock_order_id is None
    [event] = await stated(door.database, "voucher.released")
    assert event["amount"] == "80.00"
    assert (await door.reserve("a2", [coupon_id])).status_code == 200
    assert await door.is_balanced()


async def test_asked_again_the_same_attempt_gets_the_same_answer(door: Door) -> None:
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant(), face=100)
    first = await door.reserve("a1", [coupon_id])
    again = await door.reserve("a1", [coupon_id])
    assert again.json() == first.json()
    assert await rows_of(door.database, Reservation) == 1
    assert len(await stated(door.database, "voucher.reserved")) == 1
    other = await door.reserve("a1", [])
    assert (other.status_code, other.json()["code"]) == (409, "CHB.0409")


@pytest.mark.parametrize("outcome", ["failed", "paid"])
async def test_a_reservation_after_its_outcome_is_refused(door: Door, outcome: str) -> None:
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant(), face=100)
    event = failed("a1") if outcome == "failed" else paid("a1", {})
    await hear(door.database, event)
    answer = await door.reserve("a1", [coupon_id])
    assert (answer.status_code, answer.json()["code"]) == (409, "CHB.0409")
    assert (await door.held(coupon_id)).lock_order_id is None
    assert await stated(door.database, "voucher.reserved") == []


async def test_a_late_outcome_does_not_change_a_settled_attempt(door: Door) -> None:
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant(), face=100)
    await door.reserve("a1", [coupon_id])
    await hear(door.database, paid("a1", {coupon_id: "80.00"}))
    await hear(door.database, failed("a1"))
    assert (await door.held(coupon_id)).balance == 20
    assert await stated(door.database, "voucher.released") == []


async def test_a_payment_with_coupons_never_reserved_stops_for_a_person(door: Door) -> None:
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant(), face=100)
    await door.reserve("a1", [coupon_id])
    with pytest.raises(OutcomeContradictsError):
        await hear(door.database, paid("a1", {coupon_id: "79.99"}))
    with pytest.raises(OutcomeContradictsError):
        await hear(door.database, paid("a2", {coupon_id: "80.00"}))
    held = await door.held(coupon_id)
    assert held.balance == 100
    assert held.reserved_amount == 80
    assert await rows_of(door.database, Attempt) == 1


async def test_two_attempts_never_hold_one_coupon(door: Door) -> None:
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant(), face=100)
    answers = await asyncio.gather(
        *(door.reserve(f"a{n}", [coupon_id], order=f"CS{n}") for n in range(8))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7
    assert {a.json()["code"] for a in answers if a.status_code == 400} == {"CBC.99003112"}
    assert await rows_of(door.database, Reservation) == 1
    assert await rows_of(door.database, Attempt) == 1  # a refused attempt leaves nothing
    assert await door.is_balanced()


async def test_one_attempt_asked_for_at_once_many_times_reserves_once(door: Door) -> None:
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant(), face=100)
    answers = await asyncio.gather(*(door.reserve("a1", [coupon_id]) for _ in range(6)))
    assert [answer.status_code for answer in answers] == [200] * 6
    assert len({answer.text for answer in answers}) == 1
    assert await rows_of(door.database, Reservation) == 1


async def test_a_reservation_and_its_outcome_at_once_leave_nothing_held(door: Door) -> None:
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant(), face=100)
    for n in range(10):
        answer, _ = await asyncio.gather(
            door.reserve(f"a{n}", [coupon_id]), hear(door.database, failed(f"a{n}"))
        )
        assert answer.status_code in (200, 409), answer.text
        held = await door.held(coupon_id)
        assert held.lock_order_id is None
        assert held.reserved_amount == 0
    assert await door.is_balanced()


async def test_the_next_attempt_takes_what_a_failed_one_holds_before_its_end_is_heard_of(
    door: Door,
) -> None:
    """Order names its failed attempts; the event that states their end comes when it comes."""
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant(), face=100)
    await door.reserve("a1", [coupon_id])
    assert (await door.reserve("a2", [coupon_id])).json()["code"] == "CBC.99003112"
    again = await door.reserve("a3", [coupon_id], failed_attempt_ids=["unheard-of", "a1"])
    assert again.status_code == 200, again.text
    assert (await door.held(coupon_id)).reserved_amount == 80
    await hear(door.database, failed("a1"))
    assert (await door.held(coupon_id)).reserved_amount == 80, "a3 holds it still"
    assert len(await stated(door.database, "voucher.released")) == 1
    late = await door.reserve("a1", [coupon_id])
    assert (late.status_code, late.json()["code"]) == (409, "CHB.0409")
    await hear(door.database, paid("a3", {coupon_id: "80.00"}))
    assert await door.is_balanced()


async def test_an_attempt_frees_no_other_orders_coupons(door: Door) -> None:
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant(), face=100)
    await door.reserve("a1", [coupon_id], order="CS1")
    other = await door.reserve("b1", [coupon_id], order="CS2", failed_attempt_ids=["a1"])
    assert other.json()["code"] == "CBC.99003112"
    assert (await door.held(coupon_id)).lock_order_id == "CS1"


async def reserve_lines(
    door: Door, coupons: list[str], lines: list[dict[str, Any]], types: tuple[int, ...] = (301,)
) -> tuple[int, str]:
    """Status, and the code or the amounts."""
    body = reservation("a1", [], "1.00") | {
        "coupons": [
            {"coupon_id": coupon, "type": kind}
            for coupon, kind in zip(coupons, types, strict=False)
        ],
        "lines": lines,
    }
    answer = await door.post(RESERVE, body, customer("c1"))
    known = answer.json()
    amounts = ",".join(coupon["amount"] for coupon in known.get("coupons", []))
    return answer.status_code, known.get("code", amounts)


@pytest.mark.parametrize(
    ("ratios", "found"),
    [
        (("0.85", "0.95"), (200, "20.00")),  # one line at or above the minimum is enough
        (("0.85", "0.88"), (400, "CBC.99003117")),
        (("0.85", "0.90"), (200, "20.00")),
        (("0.85", None), (200, "20.00")),
    ],
)
async def test_the_minimum_discount_refuses_only_when_all_lines_are_below(
    door: Door, ratios: tuple[str | None, str | None], found: tuple[int, str]
) -> None:
    await settle_in(door)
    quota_id = await door.grant(limits={"min_consume_discount": "0.90"})
    coupon_id = await door.coupon(quota_id, face=100)
    lines = [a_line(f"l{n}", "10.00", discount_ratio=ratio) for n, ratio in enumerate(ratios)]
    assert await reserve_lines(door, [coupon_id], lines) == found


@pytest.mark.parametrize(
    ("discount_type", "found"),
    [(3, (400, "CBC.99003116")), (2, (200, "10.00")), (None, (200, "10.00"))],
)
async def test_a_flag_blocks_its_own_kind_of_discount_only(
    door: Door, discount_type: int | None, found: tuple[int, str]
) -> None:
    await settle_in(door)
    limits = {"simultaneous_use_with_empower_discount": False}
    coupon_id = await door.coupon(await door.grant(limits=limits), face=100)
    line = a_line("l", "10.00", discount_ratio="0.9", discount_type=discount_type)
    assert await reserve_lines(door, [coupon_id], [line]) == found


async def test_a_coupon_pays_only_for_the_services_and_products_it_names(door: Door) -> None:
    await settle_in(door)
    quota_id = await door.grant()
    coupon_id = await door.coupon(quota_id, face=100, cloud_service_types=[ECS], product_ids=["p1"])
    other = a_line("l2", "40.00", product_id="p2")
    assert await reserve_lines(door, [coupon_id], [other]) == (400, "CBC.99003112")
    foreign = a_line("l3", "50.00", service_type_code="hws.service.type.obs")
    lines = [a_line("l1", "30.00"), other, foreign]
    assert await reserve_lines(door, [coupon_id], lines) == (200, "30.00")


async def test_cash_pays_before_flexi_and_both_only_once(door: Door) -> None:
    await settle_in(door)
    cash = await door.coupon(await door.grant(), face=60)
    second_cash = await door.coupon(await door.grant(), face=60)
    flexi = await door.coupon(await door.grant(quota_type=1), face=60)
    lines = [a_line("l1", "100.00")]
    both = await reserve_lines(door, [cash, second_cash], lines, (301, 301))
    assert both == (400, "CBC.99003112")
    assert await reserve_lines(door, [flexi, cash], lines, (302, 301)) == (200, "60.00,40.00")
    assert (await door.held(cash)).reserved_amount == 60
    assert (await door.held(flexi)).reserved_amount == 40


async def test_a_coupon_with_nothing_left_to_pay_stays_free(door: Door) -> None:
    await settle_in(door)
    cash = await door.coupon(await door.grant(), face=60)
    flexi = await door.coupon(await door.grant(quota_type=1), face=60)
    lines = [a_line("l1", "60.00")]
    assert await reserve_lines(door, [cash, flexi], lines, (301, 302)) == (200, "60.00")
    assert (await door.held(flexi)).lock_order_id is None


@pytest.mark.parametrize("kind", [300, 302, 303])
async def test_a_coupon_under_a_wrong_type_is_refused(door: Door, kind: int) -> None:
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant(), face=60)
    found = await reserve_lines(door, [coupon_id], [a_line("l1", "60.00")], (kind,))
    assert found == (400, "CBC.99003112")


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [a_line("l", "10.001")],
        [a_line("l", "-1.00")],
        [a_line("l", "10.00") | {"amount_after_discount": True}],
    ],
)
async def test_a_malformed_reservation_is_refused(door: Door, lines: list[Any]) -> None:
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant(), face=60)
    assert await reserve_lines(door, [coupon_id], lines) == (400, "CBC.0100")
    assert await rows_of(door.database, Attempt) == 0


async def test_another_customers_coupon_and_identity_are_refused(door: Door) -> None:
    await settle_in(door, "c1", "c2")
    coupon_id = await door.coupon(await door.grant(), "c2")
    foreign = await door.reserve("a1", [coupon_id])
    assert (foreign.status_code, foreign.json()["code"]) == (400, "CBC.99003112")
    body = reservation("a1", [coupon_id], "10.00") | {"customer_id": "c2"}
    pretended = await door.post(RESERVE, body, customer("c1"))
    assert (pretended.status_code, pretended.json()["code"]) == (403, "CBC.0151")


async def test_a_coupon_outside_its_time_or_frozen_is_refused(door: Door) -> None:
    await settle_in(door)
    quota_id = await door.grant()
    early = await door.coupon(quota_id, valid_time=wire(NOW + timedelta(seconds=1)))
    over = await door.coupon(quota_id, expire_time=wire(NOW + timedelta(seconds=1)))
    frozen = await door.coupon(quota_id)
    async with door.database.transaction() as session:
        (await session.get_one(Coupon, over)).expire_at = NOW
        (await session.get_one(Coupon, frozen)).is_frozen = True
    for coupon_id in (early, over, frozen):
        answer = await door.reserve("a1", [coupon_id])
        assert (answer.status_code, answer.json()["code"]) == (400, "CBC.99003112")


async def test_unlinking_while_an_order_holds_the_coupon_recalls_it_afterwards(door: Door) -> None:
    await settle_in(door)
    quota_id = await door.grant()
    coupon_id = await door.coupon(quota_id, face=100)
    await door.reserve("a1", [coupon_id])
    await hear(door.database, unlinked("c1"))
    assert (await door.held(coupon_id)).status == 2
    await hear(door.database, paid("a1", {coupon_id: "80.00"}))
    coupon = await door.held(coupon_id)
    assert coupon.status == 5
    assert coupon.balance == 0
    [event] = await stated(door.database, "voucher.recalled")
    assert (event["amount"], event["operation_type"]) == ("20.00", 3)
    assert (await door.quota(quota_id)).balance == Decimal("920.00")
    async with door.database.transaction() as session:
        kinds = await session.scalars(select(Movement.kind).order_by(Movement.id))
        assert kinds.all() == ["granted", "issued", "redeemed", "returned"]
    assert await door.is_balanced()


async def test_associating_again_forgets_no_recall_that_is_due(door: Door) -> None:
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant(), face=100)
    await door.reserve("a1", [coupon_id])
    await hear(door.database, unlinked("c1"), associated("c1", 3), failed("a1"))
    assert (await door.held(coupon_id)).status == 5
