"""What a customer reads of its coupons' balances (docs/domain/coupons.md H.18)."""

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from testkit.clock import StandingClock
from testkit.door import code_of
from tests.voucher.builders import (
    LATER,
    NOW,
    PARTNER,
    VoucherDoor,
    customer,
    hear,
    paid,
    settle_in,
    wire,
)
from tests.voucher.test_restore_coupons import refunded
from voucher.coupons.expire_coupons import expire_coupons

pytestmark = pytest.mark.postgres

PATH = "/v2/promotions/benefits/account-change-records?balance_type=BALANCE_TYPE_COUPON"


async def records(door: VoucherDoor, query: str = "", who: str = "c1") -> list[dict[str, Any]]:
    answer = await door.get(f"{PATH}&limit=100{query}", customer(who))
    assert answer.status_code == 200, answer.text
    assert answer.json()["currency"] == "CNY"
    found: list[dict[str, Any]] = answer.json()["records"]
    assert answer.json()["total_count"] == len(found)
    return found


async def a_history(door: VoucherDoor, clock: StandingClock) -> tuple[str, str, str]:
    """Three coupons: paid with and restored, reclaimed, expired and restored after that."""
    await settle_in(door, "c1", "c2")
    quota_id = await door.grant()
    first, second = await door.coupon(quota_id, face=100), await door.coupon(quota_id, face=20)
    ends = NOW + timedelta(days=1)
    third = await door.coupon(quota_id, face=50, expire_time=wire(ends))
    await door.coupon(quota_id, "c2", 10)
    await door.reserve("a1", [first])
    await hear(door.database, paid("a1", {first: "80.00"}))
    await door.reserve("a2", [third], "30.00", "CS2")
    await hear(door.database, paid("a2", {third: "30.00"}, "CS2"))
    await hear(door.database, refunded("f1", {first: "50.00"}))
    await door.reclaim(second)
    await expire_coupons(door.database, ends)
    await hear(door.database, refunded("f2", {third: "30.00"}, "CS2"))
    clock.forward(days=2)
    return first, second, third


async def test_each_movement_is_a_record_and_they_add_up(
    door: VoucherDoor, clock: StandingClock
) -> None:
    """Break: leave the window's partition out, or show what a return is by its movement alone."""
    first, second, third = await a_history(door, clock)
    told = [
        (one["coupon_id"], one["trade_detail_type"], one["revenue_expense_type"],
         one["change_amount"], one["balance_after_change"])
        for one in reversed(await records(door))
    ]  # fmt: skip
    assert [row[1:] for row in told if row[0] == first] == [
        ("SOURCE_OPERAIION_PRIZE", "REVENUE", "100.00", "100.00"),
        ("SOURCE_OPERAIION_DEDEUCT", "EXPENSE", "80.00", "20.00"),
        ("SOURCE_OPERAIION_UNSUBSCRIBE", "REVENUE", "50.00", "70.00"),
    ]
    assert [row[1:] for row in told if row[0] == second] == [
        ("SOURCE_OPERAIION_PRIZE", "REVENUE", "20.00", "20.00"),
        ("SOURCE_OPERATION_COUPONCANCEL", "EXPENSE", "20.00", "0.00"),
    ]
    assert [row[1:] for row in told if row[0] == third] == [
        ("SOURCE_OPERAIION_PRIZE", "REVENUE", "50.00", "50.00"),
        ("SOURCE_OPERAIION_DEDEUCT", "EXPENSE", "30.00", "20.00"),
        ("SOURCE_OPERAIION_EXPIRECLEAR", "EXPENSE", "20.00", "0.00"),
        ("SOURCE_OPERAIION_UNSUBSCRIBE", "REVENUE", "30.00", "30.00"),
        ("SOURCE_OPERAIION_EXPIRECLEAR", "EXPENSE", "30.00", "0.00"),
    ]
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for coupon_id, _, direction, amount, _ in told:
        sums[coupon_id] += Decimal(amount) if direction == "REVENUE" else -Decimal(amount)
    for coupon_id, total in sums.items():
        assert (await door.held(coupon_id)).balance == total
    issued = (await records(door, f"&coupon_id={first}"))[-1]
    assert (issued["account_name"], issued["bill_cycle"]) == ("c1", "2026-11")
    assert (issued["trade_time"], len(issued["trade_id"])) == (wire(NOW), 32)


async def test_what_filters(door: VoucherDoor, clock: StandingClock) -> None:
    first, _, third = await a_history(door, clock)
    movement = (await records(door, f"&coupon_id={first}"))[-1]["trade_id"]
    for query, count in (
        ("&trade_type=ADJUST", 3), ("&trade_type=DEDEUCT", 2), ("&trade_type=REFUND", 2),
        ("&trade_type=EXPIRED", 2), ("&trade_type=COUPONCANCEL", 1), ("&trade_type=RFROZEN", 0),
        ("&revenue_expense_type=REVENUE", 5), ("&revenue_expense_type=EXPENSE", 5),
        ("&trade_type=ADJUST&revenue_expense_type=EXPENSE", 0), ("&trade_id=cs1", 1),
        (f"&trade_id={movement}", 1), ("&trade_id=none", 0), (f"&coupon_id={third}", 5),
        ("&coupon_id=none", 0), ("&trade_time_begin=2026-11-24", 1),
        ("&trade_time_end=2026-11-23", 9), ("&trade_time_begin=2026-11-26", 0),
        ("&trade_time_begin=2026-11-23&trade_time_end=2026-11-23", 9),
    ):  # fmt: skip
        assert len(await records(door, query)) == count, query
    page = (await door.get(f"{PATH}&limit=2&offset=9", customer("c1"))).json()
    assert (page["total_count"], len(page["records"])) == (10, 1)
    assert len(await records(door, who="c2")) == 1
    clock.now = LATER + timedelta(days=5)
    assert await records(door) == []
    assert len(await records(door, "&trade_time_begin=2026-11-01")) == 10


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("trade_type=", "CBC.0100"), ("revenue_expense_type=", "CBC.0100"),
        ("trade_time_begin=", "CBC.0100"), ("trade_time_end=2026-13-01", "CBC.0100"),
        ("trade_type=NONE", "CBC.0101"), ("limit=0", "CBC.0100"),
    ],
)  # fmt: skip
async def test_bad_filters(door: VoucherDoor, query: str, code: str) -> None:
    await settle_in(door)
    assert code_of(await door.get(f"{PATH}&{query}", customer("c1"))) == (400, code)


async def test_who_may_read_them(door: VoucherDoor) -> None:
    await settle_in(door)
    assert code_of(await door.get(PATH, PARTNER)) == (403, "CBC.0151")
    assert code_of(await door.get(PATH.partition("?")[0], customer("c1"))) == (400, "CBC.0100")
