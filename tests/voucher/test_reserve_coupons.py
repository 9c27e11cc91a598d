"""Reserving coupons for a payment attempt, and what its outcome does; each event told twice."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from testkit import outbox
from tests.voucher.builders import (
    NOW,
    RESERVE,
    VoucherDoor,
    associated,
    customer,
    failed,
    hear,
    joined,
    paid,
    reservation,
    rows_of,
    settle_in,
    unlinked,
    wire,
)
from voucher.attempts.models import Attempt
from voucher.attempts.settle_attempt import OutcomeContradictsError
from voucher.coupons.models import Coupon, Reservation
from voucher.ledger.models import Movement

pytestmark = pytest.mark.postgres


async def test_a_coupon_pays_what_the_order_costs_and_keeps_the_rest(door: VoucherDoor) -> None:
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant(), face=100)
    answer = await door.reserve("a1", [coupon_id], "37.50")
    assert answer.status_code == 200
    assert answer.json() == {
        "coupons": [
            {
                "coupon_id": coupon_id,
                "coupon_type": 1,
                "amount": "37.50",
                "lines": [{"line_id": "l1", "amount": "37.50"}],
            }
        ]
    }
    held = await door.held(coupon_id)
    assert held.lock_order_id == "CS1"
    assert held.reserved_amount == Decimal("37.50")
    assert held.balance == 100
    [event] = await outbox.bodies(door.database, "voucher.reserved")
    assert (event["attempt_id"], event["amount"], event["reserved_amount"]) == (
        "a1", "37.50", "37.50",
    )  # fmt: skip
    assert await door.is_balanced()


async def test_paid_redeems_once_though_told_twice(door: VoucherDoor) -> None:
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
    [told] = await outbox.bodies(door.database, "voucher.redeemed")
    assert (told["amount"], told["balance"], told["order_id"]) == ("37.50", "62.50", "CS1")
    proof = await door.proof()
    assert proof["balanced"]
    assert proof["totals"] == [
        {
            "currency": "CNY", "granted": "1000.00", "in_quotas": "900.00",
            "in_coupons": "62.50", "in_cards": "0.00",
            "in_partner_vouchers": "0.00", "redeemed": "37.50",
            "settled": "0.00",
        }
    ]  # fmt: skip


async def test_a_coupon_is_used_up_at_zero_and_pays_no_more(door: VoucherDoor) -> None:
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


async def test_many_small_payments_add_up_to_the_cent(door: VoucherDoor) -> None:
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant("0.30"), face="0.30")
    for n, amount in enumerate(("0.10", "0.10", "0.10")):
        answer = await door.reserve(f"a{n}", [coupon_id], amount, f"CS{n}")
        assert answer.json()["coupons"][0]["amount"] == "0.10"
        await hear(door.database, paid(f"a{n}", {coupon_id: "0.10"}, f"CS{n}"))
    coupon = await door.held(coupon_id)
    assert (coupon.status, coupon.balance) == (3, Decimal("0.00"))
    assert await door.is_balanced()


async def test_payment_failed_releases_once_though_told_twice(door: VoucherDoor) -> None:
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant(), face=100)
    await door.reserve("a1", [coupon_id])
    await hear(door.database, failed("a1"), failed("a1"))
    coupon = await door.held(coupon_id)
    assert coupon.balance == 100
    assert coupon.reserved_amount == 0
    assert coupon.lock_order_id is None
    [event] = await outbox.bodies(door.database, "voucher.released")
    assert event["amount"] == "80.00"
    assert (await door.reserve("a2", [coupon_id])).status_code == 200
    assert await door.is_balanced()


async def test_asked_again_the_same_attempt_gets_the_same_answer(door: VoucherDoor) -> None:
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant(), face=100)
    first = await door.reserve("a1", [coupon_id])
    again = await door.reserve("a1", [coupon_id])
    assert again.json() == first.json()
    assert await rows_of(door.database, Reservation) == 1
    assert len(await outbox.bodies(door.database, "voucher.reserved")) == 1
    other = await door.reserve("a1", [])
    assert (other.status_code, other.json()["code"]) == (409, "CHB.0409")


@pytest.mark.parametrize("outcome", ["failed", "paid"])
async def test_a_reservation_after_its_outcome_is_refused(door: VoucherDoor, outcome: str) -> None:
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant(), face=100)
    event = failed("a1") if outcome == "failed" else paid("a1", {})
    await hear(door.database, event)
    answer = await door.reserve("a1", [coupon_id])
    assert (answer.status_code, answer.json()["code"]) == (409, "CHB.0409")
    assert (await door.held(coupon_id)).lock_order_id is None
    assert await outbox.bodies(door.database, "voucher.reserved") == []


async def test_a_late_outcome_does_not_change_a_settled_attempt(door: VoucherDoor) -> None:
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant(), face=100)
    await door.reserve("a1", [coupon_id])
    await hear(door.database, paid("a1", {coupon_id: "80.00"}))
    await hear(door.database, failed("a1"))
    assert (await door.held(coupon_id)).balance == 20
    assert await outbox.bodies(door.database, "voucher.released") == []


async def test_a_payment_with_coupons_never_reserved_stops_for_a_person(door: VoucherDoor) -> None:
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


async def test_two_attempts_never_hold_one_coupon(door: VoucherDoor) -> None:
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


async def test_one_attempt_asked_for_at_once_many_times_reserves_once(door: VoucherDoor) -> None:
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant(), face=100)
    answers = await asyncio.gather(*(door.reserve("a1", [coupon_id]) for _ in range(6)))
    assert [answer.status_code for answer in answers] == [200] * 6
    assert len({answer.text for answer in answers}) == 1
    assert await rows_of(door.database, Reservation) == 1


async def test_a_reservation_and_its_outcome_at_once_leave_nothing_held(door: VoucherDoor) -> None:
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
    door: VoucherDoor,
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
    assert len(await outbox.bodies(door.database, "voucher.released")) == 1
    late = await door.reserve("a1", [coupon_id])
    assert (late.status_code, late.json()["code"]) == (409, "CHB.0409")
    await hear(door.database, paid("a3", {coupon_id: "80.00"}))
    assert await door.is_balanced()


async def test_an_attempt_frees_no_other_orders_coupons(door: VoucherDoor) -> None:
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant(), face=100)
    await door.reserve("a1", [coupon_id], order="CS1")
    other = await door.reserve("b1", [coupon_id], order="CS2", failed_attempt_ids=["a1"])
    assert other.json()["code"] == "CBC.99003112"
    assert (await door.held(coupon_id)).lock_order_id == "CS1"


async def test_another_customers_coupon_and_identity_are_refused(door: VoucherDoor) -> None:
    await settle_in(door, "c1", "c2")
    coupon_id = await door.coupon(await door.grant(), "c2")
    foreign = await door.reserve("a1", [coupon_id])
    assert (foreign.status_code, foreign.json()["code"]) == (400, "CBC.99003112")
    body = reservation("a1", [coupon_id], "10.00") | {"customer_id": "c2"}
    pretended = await door.post(RESERVE, body, customer("c1"))
    assert (pretended.status_code, pretended.json()["code"]) == (403, "CBC.0151")


async def test_a_coupon_outside_its_time_or_frozen_is_refused(door: VoucherDoor) -> None:
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


async def test_unlinking_while_an_order_holds_the_coupon_recalls_it_afterwards(
    door: VoucherDoor,
) -> None:
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
    [event] = await outbox.bodies(door.database, "voucher.recalled")
    assert (event["amount"], event["operation_type"]) == ("20.00", 3)
    assert (await door.quota(quota_id)).balance == Decimal("920.00")
    async with door.database.transaction() as session:
        kinds = await session.scalars(select(Movement.kind).order_by(Movement.id))
        assert kinds.all() == ["granted", "issued", "redeemed", "returned"]
    assert await door.is_balanced()


async def test_associating_again_forgets_no_recall_that_is_due(door: VoucherDoor) -> None:
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant(), face=100)
    await door.reserve("a1", [coupon_id])
    await hear(door.database, unlinked("c1"), associated("c1", 3), failed("a1"))
    assert (await door.held(coupon_id)).status == 5


async def test_a_recall_that_waits_keeps_its_first_reason(door: VoucherDoor) -> None:
    """Break: let a later reason replace it in `recall_customer_coupons`."""
    await hear(door.database, joined("other"))
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant(), face=100)
    await door.reserve("a1", [coupon_id])
    await hear(door.database, unlinked("c1"), associated("c1", 3, partner_id="other"))
    assert (await door.held(coupon_id)).status == 2
    await hear(door.database, failed("a1"))
    [event] = await outbox.bodies(door.database, "voucher.recalled")
    assert (event["operation_type"], event["amount"]) == (3, "100.00")


async def test_a_payment_stated_after_its_coupons_were_freed_is_a_contradiction(
    door: VoucherDoor,
) -> None:
    """As billing parks it: the order would be paid by coupons that stay whole."""
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant(), face=100)
    await door.reserve("a1", [coupon_id])
    await hear(door.database, failed("a1"))
    with pytest.raises(OutcomeContradictsError):
        await hear(door.database, paid("a1", {coupon_id: "80.00"}))
    assert (await door.held(coupon_id)).balance == 100
