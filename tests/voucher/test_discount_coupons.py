"""Coupons that lower a price and hold no money (docs/domain/orders.md H.3)."""

from decimal import Decimal
from typing import Any

import pytest

from chassis.ids import new_id
from contracts.order import CouponUse
from testkit import outbox
from tests.voucher.builders import (
    ECS,
    LATER,
    NOW,
    RESERVE,
    VoucherDoor,
    a_line,
    customer,
    failed,
    hear,
    paid,
    reservation,
    settle_in,
)
from tests.voucher.test_coupon_options import asked, priced
from voucher.coupons.models import Coupon
from voucher.quotas.models import Quota
from wire.vocabulary import CouponType

pytestmark = pytest.mark.postgres

EBS = "hws.service.type.ebs"


async def made(door: VoucherDoor, ratio: str = "0.9", **limits: Any) -> str:
    """A discount coupon of c1; it is of no quota's value."""
    quota_id = await door.grant()
    async with door.database.transaction() as session:
        quota = await session.get_one(Quota, quota_id)
        coupon = Coupon(
            id=f"CP{new_id()}", quota_id=quota_id, partner_id=quota.partner_id,
            distributor_id=None, customer_id="c1", coupon_type=CouponType.DISCOUNT,
            site=quota.site, currency=quota.currency, discount_ratio=Decimal(ratio),
            face_value=Decimal(0), balance=Decimal(0), limits=limits, effective_at=NOW,
            expire_at=LATER, created_at=NOW,
        )  # fmt: skip
        session.add(coupon)
        return coupon.id


async def reserve(
    door: VoucherDoor, *coupons: tuple[str, int], attempt: str = "a1",
    lines: list[dict[str, Any]] | None = None,
) -> Any:  # fmt: skip
    """The answer: what each coupon takes off or pays of each line, or the code."""
    body = reservation(attempt, [], "182.12") | {
        "coupons": [{"coupon_id": one, "type": kind} for one, kind in coupons]
    }
    if lines is not None:
        body["lines"] = lines
    answer = await door.post(RESERVE, body, customer("c1"))
    if answer.status_code != 200:
        return answer.json()["code"]
    return [
        (one["coupon_id"], one["amount"], {x["line_id"]: x["amount"] for x in one["lines"]})
        for one in answer.json()["coupons"]
    ]


async def test_it_lowers_what_the_lines_it_covers_cost_and_the_rest_is_paid(
    door: VoucherDoor,
) -> None:
    """182.12 at 0.9 is 163.90, cut. Break: charge the flexi coupon first, or round."""
    await settle_in(door)
    coupon = await made(door, cloud_service_types=[ECS])
    flexi = await door.coupon(await door.grant(quota_type=1), face=170)
    lines = [a_line("l1", "182.12"), a_line("l2", "28.00", service_type_code=EBS)]
    assert await reserve(door, (flexi, 302), (coupon, 300), lines=lines) == [
        (coupon, "18.22", {"l1": "18.22"}),
        (flexi, "170.00", {"l1": "163.90", "l2": "6.10"}),
    ]
    held = await door.held(coupon)
    assert (held.lock_order_id, held.reserved_amount) == ("CS1", Decimal(0))
    assert await door.is_balanced()


async def test_it_is_used_once_and_no_money_moves(door: VoucherDoor) -> None:
    """Break: leave it usable, or post what it took off."""
    await settle_in(door)
    coupon = await made(door)
    await reserve(door, (coupon, 300))
    await hear(door.database, failed("a1"))
    assert (await door.held(coupon)).lock_order_id is None
    assert await reserve(door, (coupon, 300), attempt="a2") == [(coupon, "18.22", {"l1": "18.22"})]
    use = CouponUse(coupon_id=coupon, coupon_type=2, amount=Decimal("18.22"))
    event = paid("a2", {}).model_copy(update={"coupons": [use]})
    await hear(door.database, event)
    used = await door.held(coupon)
    assert (used.status, used.order_id, used.ended_at) == (3, "CS1", event.occurred_at)
    [redeemed] = await outbox.bodies(door.database, "voucher.redeemed")
    assert (redeemed["coupon_type"], redeemed["amount"], redeemed["status"]) == (2, "18.22", 3)
    assert await reserve(door, (coupon, 300), attempt="a3") == "CBC.99003112"
    assert await door.is_balanced()


async def test_what_excludes_what(door: VoucherDoor) -> None:
    """Break: leave out the flag of the flexi coupon, or of the partner's discount."""
    await settle_in(door)
    coupon, other = await made(door), await made(door, "0.8")
    cash = await door.coupon(await door.grant())
    alone = {"simultaneous_use_with_discount_coupon": False}
    flexi = await door.coupon(await door.grant(quota_type=1, limits=alone))
    for numbered, (others, code) in enumerate(
        [
            ([(cash, 301)], "CBC.99003147"),
            ([(other, 300)], "CBC.99003112"),
            ([(flexi, 302)], "CBC.99003116"),
        ]
    ):
        wanted = [(coupon, 300), *others]
        assert await reserve(door, *wanted, attempt=f"a{numbered}") == code
    assert await reserve(door, (coupon, 301)) == "CBC.99003112"
    elsewhere = [a_line("l1", "10.00", discount_type=3, discount_ratio="0.9")]
    assert await reserve(door, (coupon, 300), lines=elsewhere) == "CBC.99003116"
    commercial = [a_line("l1", "10.00", discount_type=2, discount_ratio="0.9")]
    assert await reserve(door, (coupon, 300), lines=commercial) == [
        (coupon, "1.00", {"l1": "1.00"})
    ]


async def test_the_options_are_what_a_reservation_takes(door: VoucherDoor) -> None:
    """Break: combine it with cash coupons."""
    await settle_in(door)
    coupon = await made(door)
    cash = await door.coupon(await door.grant(), face=50)
    flexi = await door.coupon(await door.grant(quota_type=1), face=30)
    granted = priced("163.90", discount_type=3, discount_ratio="0.9")
    plain, reduced = await asked(door, priced("182.12"), granted)
    sets = [[(x["coupon_id"], x["amount"]) for x in option] for option in plain["options"]]
    assert sets == [
        [], [(cash, "50.00")], [(flexi, "30.00")], [(coupon, "18.22")],
        [(cash, "50.00"), (flexi, "30.00")], [(coupon, "18.22"), (flexi, "30.00")],
    ]  # fmt: skip
    assert reduced["refused"] == [{"coupon_id": coupon, "code": "CBC.99003116"}]
