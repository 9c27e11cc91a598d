"""The administrator freezes coupons: no order takes them, and what is held stays held."""

import pytest
from httpx import Response

from testkit import audit, outbox
from testkit.clock import StandingClock
from testkit.door import ADMINISTRATOR, code_of
from tests.voucher.builders import (
    LATER,
    ORDER_COUPONS,
    PARTNER,
    VoucherDoor,
    created,
    customer,
    hear,
    paid,
    settle_in,
)  # fmt: skip

pytestmark = pytest.mark.postgres


async def freezing(door: VoucherDoor, coupon_id: str, deed: str = "freezing") -> Response:
    path = f"/api/coupons/{coupon_id}/{deed}"
    return await door.post(path, {"reason": "asked for"}, ADMINISTRATOR)


async def test_no_order_takes_a_frozen_coupon(door: VoucherDoor) -> None:
    """Break: freeze without `coupon.is_frozen = is_frozen`."""
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant())
    await hear(door.database, created())
    answer = await freezing(door, coupon_id)
    assert (answer.status_code, answer.json()["is_frozen"]) == (200, True)
    assert code_of(await door.reserve("a1", [coupon_id])) == (400, "CBC.99003112")
    path = f"{ORDER_COUPONS}?order_id=CS1"
    assert (await door.get(path, customer("c1"))).json()["count"] == 0
    assert code_of(await freezing(door, coupon_id)) == (409, "CHB.0409")
    assert (await freezing(door, coupon_id, "unfreezing")).status_code == 200
    assert code_of(await freezing(door, coupon_id, "unfreezing")) == (409, "CHB.0409")
    assert (await door.get(path, customer("c1"))).json()["count"] == 1
    assert (await door.reserve("a2", [coupon_id])).status_code == 200
    told = (await door.get(f"/api/coupons/{coupon_id}/history")).json()["history"]
    assert [(x["event"], x["by"]) for x in told if x["event"].endswith("frozen")] == [
        ("frozen", "administrator"), ("unfrozen", "administrator"),
    ]  # fmt: skip
    for kind in ("frozen", "unfrozen"):
        [fact] = await outbox.bodies(door.database, f"voucher.{kind}")
        assert (fact["coupon_id"], fact["balance"]) == (coupon_id, "100.00")
    deeds = await audit.deeds(door.database)
    assert [deeds.count((deed, coupon_id)) for deed in ("coupon.freeze", "coupon.unfreeze")] == [
        1, 1,
    ]  # fmt: skip


async def test_what_is_held_is_paid_with(door: VoucherDoor) -> None:
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant(), face=100)
    await door.reserve("a1", [coupon_id])
    await freezing(door, coupon_id)
    await hear(door.database, paid("a1", {coupon_id: "80.00"}))
    held = await door.held(coupon_id)
    assert (str(held.balance), held.is_frozen, held.lock_order_id) == ("20.00", True, None)
    assert await door.is_balanced()


async def test_who_freezes_and_what(door: VoucherDoor, clock: StandingClock) -> None:
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant())
    for by in (PARTNER, customer("c1")):
        answer = await door.post(f"/api/coupons/{coupon_id}/freezing", {}, by)
        assert code_of(answer) == (403, "CBC.0151")
    assert code_of(await freezing(door, "nowhere")) == (404, "CHB.0404")
    clock.now = LATER
    assert code_of(await freezing(door, coupon_id)) == (409, "CHB.0409")
