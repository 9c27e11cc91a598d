"""POST /internal/coupon-options: by the rules of a reservation, and nothing is reserved."""

from typing import Any

import pytest

from tests.voucher.builders import ECS, VoucherDoor, customer, settle_in

pytestmark = pytest.mark.postgres

OPTIONS = "/internal/coupon-options"


def priced(amount: str, **more: Any) -> dict[str, Any]:
    line = {
        "line_id": "l1", "product_id": "p1", "service_type_code": ECS,
        "amount_after_discount": amount, **more,
    }  # fmt: skip
    return {"lines": [line]}


async def asked(door: VoucherDoor, *pricings: dict[str, Any], most: int = 100) -> Any:
    body = {
        "order_id": "CS1", "customer_id": "c1", "pricings": list(pricings), "options_max": most,
    }  # fmt: skip
    answer = await door.post(OPTIONS, body, customer("c1"))
    assert answer.status_code == 200, answer.text
    return answer.json()["pricings"]


async def test_each_price_is_rated_for_itself(door: VoucherDoor) -> None:
    """A coupon that does not go with the partner's discount is refused with it alone."""
    await settle_in(door)
    limits = {"simultaneous_use_with_empower_discount": False}
    cash = await door.coupon(await door.grant(limits=limits), face=100)
    flexi = await door.coupon(await door.grant(quota_type=1), face=30)
    granted = priced("72.00", discount_type=3, discount_ratio="0.9")
    plain, reduced = await asked(door, priced("80.00"), granted)
    assert [[(x["coupon_id"], x["amount"]) for x in option] for option in plain["options"]] == [
        [], [(cash, "80.00")], [(flexi, "30.00")], [(cash, "80.00"), (flexi, "0.00")],
    ]  # fmt: skip
    assert plain["refused"] == []
    assert reduced["refused"] == [{"coupon_id": cash, "code": "CBC.99003116"}]
    assert [x["coupon_id"] for x in reduced["usable"]] == [flexi]


async def test_what_it_says_is_what_a_reservation_answers_and_nothing_is_locked(
    door: VoucherDoor,
) -> None:
    await settle_in(door)
    cash = await door.coupon(await door.grant(), face=20)
    (rated,) = await asked(door, priced("80.00"))
    again = await asked(door, priced("80.00"))
    assert again == [rated]
    answer = await door.reserve("a1", [cash])
    assert answer.json()["coupons"][0]["amount"] == rated["options"][1][0]["amount"]
    (held,) = await asked(door, priced("80.00"))
    assert held["refused"] == [{"coupon_id": cash, "code": "CBC.99003112"}]
    assert (held["usable"], held["options"]) == ([], [[]])


async def test_only_the_payers_own_coupons_and_no_more_than_asked(door: VoucherDoor) -> None:
    await settle_in(door)
    quota = await door.grant()
    for face in (10, 20):
        await door.coupon(quota, face=face)
    (rated,) = await asked(door, priced("80.00"), most=2)
    assert (len(rated["options"]), rated["has_more"]) == (2, True)
    body = {"order_id": "CS1", "customer_id": "c1", "pricings": [priced("1.00")], "options_max": 1}
    assert (await door.post(OPTIONS, body, customer("c2"))).status_code == 403
