"""Which coupons pay which lines, and what they are compared with.

See docs/domain/orders.md H.1, H.3.
"""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import update

from testkit.door import ADMINISTRATOR, code_of
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
    rows_of,
    settle_in,
    wire,
)  # fmt: skip
from voucher.attempts.models import Attempt
from voucher.coupons.models import Coupon
from wire.vocabulary import CouponType

pytestmark = pytest.mark.postgres


async def reserve_lines(
    door: VoucherDoor,
    coupons: list[str],
    lines: list[dict[str, Any]],
    types: tuple[int, ...] = (301,),
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
        (("0.85", None), (400, "CBC.99003117")),  # the discount concerns the first line alone
        ((None, None), (200, "20.00")),  # no discount is used: nothing to compare
    ],
)
async def test_the_minimum_discount_refuses_only_when_all_lines_are_below(
    door: VoucherDoor, ratios: tuple[str | None, str | None], found: tuple[int, str]
) -> None:
    """docs/domain/worked-examples.md F.9. Break: ask it of each line (`any` in place of `all`)."""
    await settle_in(door)
    quota_id = await door.grant(limits={"min_consume_discount": "0.90"})
    coupon_id = await door.coupon(quota_id, face=100)
    lines = [
        a_line(f"l{n}", "10.00", discount_ratio=ratio, discount_type=2 if ratio else None)
        for n, ratio in enumerate(ratios)
    ]
    assert await reserve_lines(door, [coupon_id], lines) == found


@pytest.mark.parametrize(
    ("discount_type", "found"),
    [(3, (400, "CBC.99003116")), (2, (200, "10.00")), (None, (200, "10.00"))],
)
async def test_a_flag_blocks_its_own_kind_of_discount_only(
    door: VoucherDoor, discount_type: int | None, found: tuple[int, str]
) -> None:
    """docs/domain/worked-examples.md F.9: the partner-granted one, not the commercial one."""
    await settle_in(door)
    limits = {"simultaneous_use_with_empower_discount": False}
    coupon_id = await door.coupon(await door.grant(limits=limits), face=100)
    line = a_line("l", "10.00", discount_ratio="0.9", discount_type=discount_type)
    assert await reserve_lines(door, [coupon_id], [line]) == found


async def test_a_coupon_pays_only_for_the_services_and_products_it_names(door: VoucherDoor) -> None:
    await settle_in(door)
    quota_id = await door.grant()
    coupon_id = await door.coupon(quota_id, face=100, cloud_service_types=[ECS], product_ids=["p1"])
    other = a_line("l2", "40.00", product_id="p2")
    assert await reserve_lines(door, [coupon_id], [other]) == (400, "CBC.99003112")
    foreign = a_line("l3", "50.00", service_type_code="hws.service.type.obs")
    lines = [a_line("l1", "30.00"), other, foreign]
    assert await reserve_lines(door, [coupon_id], lines) == (200, "30.00")


async def test_cash_pays_before_flexi_and_both_only_once(door: VoucherDoor) -> None:
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


async def test_a_cash_and_a_discount_coupon_exclude_each_other(door: VoucherDoor) -> None:
    """No quota issues discount coupons: one coupon is made such a one by hand."""
    await settle_in(door)
    cash = await door.coupon(await door.grant(), face=60)
    discount = await door.coupon(await door.grant(), face=60)
    async with door.database.transaction() as session:
        (await session.get_one(Coupon, discount)).coupon_type = CouponType.DISCOUNT
    lines = [a_line("l1", "60.00")]
    both = await reserve_lines(door, [cash, discount], lines, (301, 300))
    assert both == (400, "CBC.99003147")
    assert (await door.held(cash)).lock_order_id is None
    assert await rows_of(door.database, Attempt) == 0


async def test_a_coupon_with_nothing_left_to_pay_stays_free(door: VoucherDoor) -> None:
    await settle_in(door)
    cash = await door.coupon(await door.grant(), face=60)
    flexi = await door.coupon(await door.grant(quota_type=1), face=60)
    lines = [a_line("l1", "60.00")]
    assert await reserve_lines(door, [cash, flexi], lines, (301, 302)) == (200, "60.00")
    assert (await door.held(flexi)).lock_order_id is None


@pytest.mark.parametrize("kind", [300, 302, 303])
async def test_a_coupon_under_a_wrong_type_is_refused(door: VoucherDoor, kind: int) -> None:
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
async def test_a_malformed_reservation_is_refused(door: VoucherDoor, lines: list[Any]) -> None:
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant(), face=60)
    assert await reserve_lines(door, [coupon_id], lines) == (400, "CBC.0100")
    assert await rows_of(door.database, Attempt) == 0


async def test_a_coupon_pays_the_lines_that_it_covers_in_their_order(door: VoucherDoor) -> None:
    """docs/domain/orders.md H.3: cash coupons first, then flexi, each up to what a line owes."""
    await settle_in(door)
    quota_id = await door.grant()
    of_servers = await door.coupon(quota_id, face=30, cloud_service_types=[ECS])
    flexi = await door.coupon(await door.grant(quota_type=1), face=50)
    lines = [
        a_line("l1", "28.00", service_type_code="hws.service.type.ebs"),
        a_line("l2", "64.40"),
    ]
    asked = [{"coupon_id": flexi, "type": 302}, {"coupon_id": of_servers, "type": 301}]
    body = reservation("a1", [], "1.00") | {"coupons": asked, "lines": lines}
    first, second = (await door.post(RESERVE, body, customer("c1"))).json()["coupons"]
    assert (first["coupon_id"], first["lines"]) == (
        of_servers, [{"line_id": "l2", "amount": "30.00"}],
    )  # fmt: skip
    assert (second["coupon_id"], second["lines"]) == (
        flexi,
        [{"line_id": "l1", "amount": "28.00"}, {"line_id": "l2", "amount": "22.00"}],
    )
    again = (await door.post(RESERVE, body, customer("c1"))).json()["coupons"]
    assert {one["coupon_id"]: one["lines"] for one in again} == {
        of_servers: first["lines"], flexi: second["lines"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("limits", "found"),
    [
        ({"region_codes": ["cn-north-4"]}, (200, "60.00")),  # the first line's region alone
        ({"region_codes": ["cn-south-1"]}, (400, "CBC.99003112")),
        ({"threshold_amount": "99.99"}, (200, "100.00")),
        ({"threshold_amount": "100.00"}, (400, "CBC.99003112")),  # above it, not at it
        ({"threshold_amount": "60.00", "region_codes": ["cn-north-4"]}, (400, "CBC.99003112")),
        ({"max_deduction_ratio": "0.333"}, (200, "33.30")),
        ({"max_deduction_ratio": "0.00001"}, (200, "")),  # cut to nothing
        ({"usage_times": 1}, (200, "100.00")),
    ],
)
async def test_a_limit_of_the_quota_decides_what_its_coupons_pay(
    door: VoucherDoor, limits: dict[str, Any], found: tuple[int, str]
) -> None:
    """Break: compare the threshold by `<`."""
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant(quota_type=1, limits=limits), face=500)
    lines = [a_line("l1", "60.00"), a_line("l2", "40.00", region_code="cn-east-3")]
    assert await reserve_lines(door, [coupon_id], lines, (302,)) == found


@pytest.mark.parametrize(
    "limits", [{"only_for_strict_selected": True}, {"accumulative_consumption": "10.00"}]
)
async def test_a_coupon_that_could_never_pay_is_not_issued(
    door: VoucherDoor, limits: dict[str, Any]
) -> None:
    """No payment tells what the limit asks; what was mirrored with it pays nothing (0109).

    Break: pass `unjudged` over in `_refuse_terms`; return True from `are_judged_at_payment`.
    """
    await settle_in(door)
    quota_id = await door.grant(limits=limits)
    refused = await door.issue(quota_id, ["c1"])
    assert code_of(refused) == (409, "CHB.0409")
    assert (await door.quota(quota_id)).balance == Decimal(1000)
    window = {"effective_at": wire(NOW), "expire_at": wire(LATER)}
    own = {"holder_id": "c1", "coupon_type": 1, "origin": "test", "face_value": "5.00", **window}
    vendors = await door.post("/api/coupons", own | {"limits": limits}, ADMINISTRATOR)
    [field] = limits
    assert code_of(vendors) == (400, "CBC.0100")
    assert field in refused.text
    assert f"limits.{field}" in vendors.text
    mirrored = await door.coupon(await door.grant())
    async with door.database.transaction() as session:
        await session.execute(update(Coupon).values(limits=limits))
    lines = [a_line("l1", "60.00")]
    assert await reserve_lines(door, [mirrored], lines, (301,)) == (400, "CBC.99003112")


async def test_what_the_marketplace_sells_is_paid_by_coupons_of_its_group(
    door: VoucherDoor,
) -> None:
    """docs/domain/coupons.md F15.14. Break: leave `_leaves_marketplace_out` out of `covers`."""
    await settle_in(door)
    of_partner = await door.coupon(await door.grant(), face=100)
    own = {
        "holder_id": "c1", "coupon_type": 1, "origin": "test", "group": 1, "face_value": "100.00",
        "effective_at": wire(NOW), "expire_at": wire(LATER),
    }  # fmt: skip
    answer = await door.post("/api/coupons", own, ADMINISTRATOR)
    of_marketplace = str(answer.json()["coupon_id"])
    image = a_line("l2", "40.00", service_type_code="hws.service.type.marketplace")
    refused = await reserve_lines(door, [of_partner], [image])
    assert refused == (400, "CBC.99003112")
    lines = [a_line("l1", "60.00"), image]
    both = await reserve_lines(door, [of_partner, of_marketplace], lines, (301, 301))
    assert both == (200, "60.00,40.00")


async def test_a_coupon_for_one_use_pays_once(door: VoucherDoor) -> None:
    await settle_in(door)
    quota_id = await door.grant(limits={"usage_times": 1})
    coupon_id, other = await door.coupon(quota_id, face=100), await door.coupon(quota_id, face=100)
    await door.reserve("a1", [coupon_id])
    await hear(door.database, failed("a1"))
    await door.reserve("a2", [coupon_id])
    await hear(door.database, paid("a2", {coupon_id: "80.00"}))
    again = await door.reserve("a3", [coupon_id], "5.00", "CS2")
    assert (again.status_code, again.json()["code"]) == (400, "CBC.99003112")
    assert (await door.reserve("a4", [other], "5.00", "CS2")).status_code == 200
