"""What goes back to the quota: reclaimed by hand, on unlinking and switching, by expiry."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from testkit import outbox
from tests.voucher.builders import (
    DISTRIBUTOR,
    NOW,
    OTHER,
    OWN,
    RECLAIM,
    RECORDS,
    VoucherDoor,
    associated,
    customer,
    failed,
    hear,
    joined,
    paid,
    settle_in,
    switched,
    unlinked,
    wire,
)
from voucher.coupons.expire_coupons import PORTION_COUPONS, expire_coupons, expire_portion
from voucher.coupons.models import Coupon

pytestmark = pytest.mark.postgres


async def test_reclaim_takes_the_rest_and_answers_nothing(door: VoucherDoor) -> None:
    """docs/domain/worked-examples.md F.8. Break: give the face value back."""
    await settle_in(door)
    quota_id = await door.grant()
    coupon_id = await door.coupon(quota_id, face=100, memo="mind this")
    await door.reserve("a1", [coupon_id], "37.50")
    await hear(door.database, paid("a1", {coupon_id: "37.50"}))
    answer = await door.reclaim(coupon_id)
    assert (answer.status_code, answer.content) == (204, b"")
    coupon = await door.held(coupon_id)
    assert coupon.status == 5
    assert coupon.balance == 0
    assert (await door.quota(quota_id)).balance == Decimal("962.50")
    [event] = await outbox.bodies(door.database, "voucher.recalled")
    assert (event["amount"], event["operation_type"], event["quota_balance"]) == (
        "62.50", 2, "962.50",
    )  # fmt: skip
    [record] = (await door.get(f"{RECORDS}?operation_types=2")).json()["records"]
    assert record["operation_amount"] == 62.5
    assert (record["operation_type"], record["remark"]) == ("2", "mind this")
    assert await door.is_balanced()
    again = await door.reclaim(coupon_id)
    assert (again.status_code, again.json()["error_code"]) == (403, "CBC.0155")


async def test_a_used_up_coupon_cannot_be_reclaimed(door: VoucherDoor) -> None:
    """docs/domain/worked-examples.md F.8."""
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant(), face=80)
    await door.reserve("a1", [coupon_id])
    await hear(door.database, paid("a1", {coupon_id: "80.00"}))
    assert (await door.held(coupon_id)).status == 3
    answer = await door.reclaim(coupon_id)
    assert (answer.status_code, answer.json()["error_code"]) == (403, "CBC.0155")


async def test_an_expired_coupon_cannot_be_reclaimed_before_the_schedule_came_by(
    door: VoucherDoor,
) -> None:
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant())
    async with door.database.transaction() as session:
        (await session.get_one(Coupon, coupon_id)).expire_at = NOW
    assert (await door.reclaim(coupon_id)).json()["error_code"] == "CBC.0155"


async def test_a_coupon_that_an_order_holds_cannot_be_reclaimed(door: VoucherDoor) -> None:
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant())
    await door.reserve("a1", [coupon_id])
    answer = await door.reclaim(coupon_id)
    assert (answer.status_code, answer.json()["error_code"]) == (403, "CBC.0155")
    assert (await door.held(coupon_id)).balance == 100
    await hear(door.database, failed("a1"))
    assert (await door.reclaim(coupon_id)).status_code == 204


async def test_reclaim_and_reservation_at_once_end_in_one_of_the_two(door: VoucherDoor) -> None:
    await settle_in(door)
    quota_id = await door.grant("10000.00")
    for n in range(10):
        coupon_id = await door.coupon(quota_id)
        reserved, reclaimed = await asyncio.gather(
            door.reserve(f"a{n}", [coupon_id], order=f"CS{n}"), door.reclaim(coupon_id)
        )
        held = await door.held(coupon_id)
        if reserved.status_code == 200:
            assert (reclaimed.status_code, held.status) == (403, 2)
            assert held.reserved_amount == 80
        else:
            assert reserved.json()["code"] == "CBC.99003112"
            assert (reclaimed.status_code, held.status) == (204, 5)
            assert held.balance == 0
    assert await door.is_balanced()


async def test_reclaiming_at_once_many_times_returns_the_amount_once(door: VoucherDoor) -> None:
    await settle_in(door)
    quota_id = await door.grant()
    coupon_id = await door.coupon(quota_id)
    answers = await asyncio.gather(*(door.reclaim(coupon_id) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [204] + [403] * 5
    assert (await door.quota(quota_id)).balance == Decimal("1000.00")
    assert await door.is_balanced()


async def test_another_partners_coupon_is_as_missing_as_none(door: VoucherDoor) -> None:
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant())
    foreign = await door.reclaim(coupon_id, OTHER)
    missing = await door.reclaim("CPnone", OTHER)
    assert foreign.status_code == missing.status_code == 403
    assert foreign.json() == missing.json()
    assert foreign.json()["error_code"] == "CBC.0150"
    assert (await door.reclaim(coupon_id, customer("c1"))).json()["error_code"] == "CBC.0151"


async def test_a_distributor_reclaims_its_resellers_coupon_by_naming_the_reseller(
    door: VoucherDoor,
) -> None:
    await hear(
        door.database,
        joined("dist", "distributor"),
        joined("mine", "reseller", distributor_id="dist"),
        associated("c1", partner_id="mine", distributor_id="dist"),
    )
    quota_id = await door.grant(partner_id="mine")
    coupon_id = await door.coupon(quota_id, by=DISTRIBUTOR, indirect_partner_id="mine")
    assert (await door.reclaim(coupon_id, DISTRIBUTOR)).json()["error_code"] == "CBC.0150"
    body = {"coupon_id": coupon_id, "indirect_partner_id": "mine"}
    assert (await door.post(RECLAIM, body, DISTRIBUTOR)).status_code == 204


async def test_reclaim_is_for_resale_customers_only(door: VoucherDoor) -> None:
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant())
    # An update that tells the new type without being the switch: the coupon is still there.
    await hear(door.database, associated("c1", 2, association_type="1"))
    answer = await door.reclaim(coupon_id)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "CBC.99000014")


@pytest.mark.parametrize(("event", "operation"), [(unlinked("c1"), 3), (switched("c1"), 8)])
async def test_unlinking_and_switching_recall_once_though_told_twice(
    door: VoucherDoor, event: object, operation: int
) -> None:
    await settle_in(door, "c1", "c2")
    quota_id = await door.grant()
    first, second = await door.coupon(quota_id), await door.coupon(quota_id, face=50)
    others = await door.coupon(quota_id, "c2")
    await hear(door.database, event)  # type: ignore[arg-type]
    await hear(door.database, event)  # type: ignore[arg-type]
    recalled = await outbox.bodies(door.database, "voucher.recalled")
    assert sorted(told["coupon_id"] for told in recalled) == sorted([first, second])
    assert {told["operation_type"] for told in recalled} == {operation}
    assert (await door.held(others)).status == 2
    assert (await door.quota(quota_id)).balance == Decimal("900.00")
    assert (await door.get(OWN, customer("c1"))).json()["count"] == 0
    assert await door.is_balanced()


async def test_an_old_unlinking_told_again_spares_the_coupons_of_the_new_association(
    door: VoucherDoor,
) -> None:
    await settle_in(door)
    quota_id = await door.grant()
    await hear(door.database, unlinked("c1", 2), associated("c1", 3))
    coupon_id = await door.coupon(quota_id)
    await hear(door.database, unlinked("c1", 2))
    assert (await door.held(coupon_id)).status == 2


async def test_expiry_returns_the_rest_and_is_told_as_expired(door: VoucherDoor) -> None:
    await settle_in(door)
    quota_id = await door.grant()
    end = NOW + timedelta(hours=1)
    ending = await door.coupon(quota_id, expire_time=wire(end))
    staying = await door.coupon(quota_id, expire_time=wire(end + timedelta(seconds=1)))
    held = await door.coupon(quota_id, expire_time=wire(end))
    await door.reserve("a1", [held])
    await expire_coupons(door.database, end - timedelta(seconds=1))
    assert await outbox.bodies(door.database, "voucher.expired") == []
    await expire_coupons(door.database, end)
    await expire_coupons(door.database, end)
    [event] = await outbox.bodies(door.database, "voucher.expired")
    assert (event["coupon_id"], event["amount"], event["status"]) == (ending, "100.00", 4)
    assert (await door.held(staying)).status == 2
    assert (await door.held(held)).status == 2  # an order holds it
    assert (await door.quota(quota_id)).balance == Decimal("800.00")
    await hear(door.database, failed("a1"))
    await expire_coupons(door.database, end)
    assert (await door.held(held)).status == 4
    assert (await door.get(f"{RECORDS}?operation_types=4")).json()["total_count"] == 2
    assert await door.is_balanced()


async def test_replicas_share_the_expiring_and_none_is_expired_twice(door: VoucherDoor) -> None:
    names = [f"c{n}" for n in range(PORTION_COUPONS + 30)]
    await settle_in(door, *names)
    quota_id = await door.grant("1000.00")
    end = NOW + timedelta(hours=1)
    await door.issue(quota_id, names, 1, expire_time=wire(end))
    await asyncio.gather(*(expire_coupons(door.database, end) for _ in range(3)))
    while await expire_once(door, end):
        pass
    assert len(await outbox.bodies(door.database, "voucher.expired")) == len(names)
    assert (await door.quota(quota_id)).balance == Decimal("1000.00")
    assert await door.is_balanced()


async def expire_once(door: VoucherDoor, now: object) -> int:
    async with door.database.transaction() as session:
        return await expire_portion(session, now)  # type: ignore[arg-type]
