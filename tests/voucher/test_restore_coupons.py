"""A refund gives coupons back what they had paid (docs/domain/coupons.md H.17)."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from contracts.order import CouponUse, OrderRefunded, RefundPart
from testkit import outbox
from tests.voucher.builders import (
    NOW,
    RECORDS,
    VoucherDoor,
    about_order,
    associated,
    hear,
    paid,
    settle_in,
    switched,
    unlinked,
)
from voucher.coupons.models import Coupon
from voucher.coupons.restore_coupons import RestorationContradictsError

pytestmark = pytest.mark.postgres


def refunded(refund_id: str, uses: dict[str, str], base: str = "CS1", **more: Any) -> OrderRefunded:
    """One period goes back; `uses` is coupon → amount."""
    coupons = [CouponUse(coupon_id=c, coupon_type=1, amount=Decimal(a)) for c, a in uses.items()]
    zero = Decimal("0.00")
    part = RefundPart(
        refund_id=refund_id, line_id="u1", resource_id="r1", base_order_id=base,
        base_line_id="l1", rule="five_days", consumed_amount=zero, commission_amount=zero,
        coupons=coupons, coupon_amount=sum((use.amount for use in coupons), zero),
        flexipurchase_coupon_amount=zero, stored_card_amount=zero, cash_amount=zero,
        credit_amount=zero,
    )  # fmt: skip
    return about_order(OrderRefunded, "CS-U", status=5, order_type=4, refunds=[part], **more)


async def used(door: VoucherDoor, face: int, amount: str) -> tuple[str, str]:
    """A quota of 1000.00 and a coupon of it that paid the order CS1."""
    await settle_in(door)
    quota_id = await door.grant()
    coupon_id = await door.coupon(quota_id, face=face)
    await door.reserve("a1", [coupon_id], amount)
    await hear(door.database, paid("a1", {coupon_id: amount}))
    return quota_id, coupon_id


@pytest.mark.parametrize(("face", "balance"), [(80, "80.00"), (100, "100.00")])
async def test_a_coupon_gets_back_what_it_paid_and_is_usable_again(
    door: VoucherDoor, face: int, balance: str
) -> None:
    quota_id, coupon_id = await used(door, face, "80.00")
    await hear(door.database, refunded("f1", {coupon_id: "80.00"}))
    coupon = await door.held(coupon_id)
    assert (coupon.status, coupon.balance) == (2, Decimal(balance))
    assert coupon.ended_at is None
    [event] = await outbox.bodies(door.database, "voucher.restored")
    assert (event["amount"], event["balance"], event["to_quota"]) == ("80.00", balance, False)
    assert (event["order_id"], event["base_order_id"]) == ("CS-U", "CS1")
    assert (await door.quota(quota_id)).balance == Decimal(1000 - face)
    assert await door.is_balanced()
    assert (await door.reserve("a2", [coupon_id], order="CS2")).status_code == 200


async def test_a_refund_restores_once_by_its_own_id(door: VoucherDoor) -> None:
    """Break: take the conflict away from `_is_new`."""
    _, coupon_id = await used(door, 100, "80.00")
    for _ in range(2):
        await hear(door.database, refunded("f1", {coupon_id: "30.00"}))
    await hear(door.database, refunded("f2", {coupon_id: "50.00"}))
    assert (await door.held(coupon_id)).balance == 100
    assert await door.is_balanced()


@pytest.mark.parametrize(
    ("uses", "base"),
    [({"": "80.01"}, "CS1"), ({"": "1.00"}, "CS-OTHER"), ({"nobody": "1.00"}, "CS1")],
)
async def test_more_than_the_coupon_paid_for_that_order_is_a_contradiction(
    door: VoucherDoor, uses: dict[str, str], base: str
) -> None:
    _, coupon_id = await used(door, 100, "80.00")
    known = {name or coupon_id: amount for name, amount in uses.items()}
    with pytest.raises(RestorationContradictsError):
        await hear(door.database, refunded("f1", known, base))
    assert (await door.held(coupon_id)).balance == 20
    assert await outbox.bodies(door.database, "voucher.restored") == []


async def expire(door: VoucherDoor, coupon_id: str) -> None:
    async with door.database.transaction() as session:
        (await session.get_one(Coupon, coupon_id)).expire_at = NOW


async def reclaim(door: VoucherDoor, coupon_id: str) -> None:
    assert (await door.reclaim(coupon_id)).status_code == 204


async def leave(door: VoucherDoor, _: str) -> None:
    await hear(door.database, unlinked("c1"))


async def switch(door: VoucherDoor, _: str) -> None:
    await hear(door.database, switched("c1", association_type="1"))


async def move(door: VoucherDoor, _: str) -> None:
    await hear(door.database, unlinked("c1"), associated("c1", 3, partner_id="other"))


@pytest.mark.parametrize("end", [expire, reclaim, leave, switch, move])
async def test_of_a_coupon_that_has_ended_the_quota_takes_the_amount(
    door: VoucherDoor, end: Callable[[VoucherDoor, str], Any]
) -> None:
    """Ended by time or by hand, or its holder is no longer that partner's customer."""
    quota_id, coupon_id = await used(door, 100, "80.00")
    await end(door, coupon_id)
    before = (await door.held(coupon_id)).status
    balance = (await door.quota(quota_id)).balance
    await hear(door.database, refunded("f1", {coupon_id: "80.00"}))
    assert (await door.held(coupon_id)).status == before
    assert (await door.quota(quota_id)).balance == balance + 80
    [event] = await outbox.bodies(door.database, "voucher.restored")
    assert (event["to_quota"], event["amount"]) == (True, "80.00")
    assert await door.is_balanced()
    records = (await door.get(f"{RECORDS}?operation_types=5")).json()["records"]
    assert [(r["operation_amount"], r["operation_type"]) for r in records] == [(80.0, "5")]


async def test_a_used_up_coupon_of_who_has_left_stays_used(door: VoucherDoor) -> None:
    quota_id, coupon_id = await used(door, 80, "80.00")
    await hear(door.database, unlinked("c1"))
    await hear(door.database, refunded("f1", {coupon_id: "80.00"}))
    coupon = await door.held(coupon_id)
    assert (coupon.status, coupon.balance) == (3, Decimal(0))
    assert (await door.quota(quota_id)).balance == 1000
    assert await door.is_balanced()


async def test_what_comes_back_while_an_order_holds_the_coupon_is_added(
    door: VoucherDoor,
) -> None:
    _, coupon_id = await used(door, 100, "80.00")
    assert (await door.reserve("a2", [coupon_id], "15.00", order="CS2")).status_code == 200
    await hear(door.database, refunded("f1", {coupon_id: "80.00"}))
    held = await door.held(coupon_id)
    assert (held.balance, held.reserved_amount) == (Decimal(100), Decimal(15))
    await hear(door.database, paid("a2", {coupon_id: "15.00"}, "CS2"))
    assert (await door.held(coupon_id)).balance == 85
    assert await door.is_balanced()
