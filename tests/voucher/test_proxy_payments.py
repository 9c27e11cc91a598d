"""A master's own coupons pay its custody member's order."""

from decimal import Decimal
from typing import Any

import pytest

from contracts.customer import CustomerUpdated
from contracts.order import OrderPaid, OrderPaymentFailed, OrderPaymentRequested
from testkit import outbox
from tests.voucher.builders import (
    ORDER_COUPONS,
    VoucherDoor,
    about_customer,
    about_order,
    associated,
    created,
    customer,
    failed,
    hear,
    joined,
    paid,
)
from voucher.attempts.settle_attempt import OutcomeContradictsError

pytestmark = pytest.mark.postgres
PATH = f"{ORDER_COUPONS}?order_id=CS1"
CUSTODY: dict[str, Any] = {"enterprise_master_id": "m1", "financial_custody": True}


async def a_family(door: VoucherDoor) -> str:
    """Master m1, its custody member c1, the master's coupon; the coupon's id."""
    await hear(
        door.database, joined("sp"), associated("m1"), associated("m2"), associated("c1", **CUSTODY)
    )
    return await door.coupon(await door.grant(), "m1", face=100)


async def coupons_for(door: VoucherDoor, customer_id: str, partner_id: str = "sp") -> Any:
    """The ids of the usable ones, or the code of the refusal."""
    answer = (await door.get(PATH, customer(customer_id, partner_id))).json()
    if "error_code" in answer:
        return answer["error_code"]
    return [coupon["coupon_id"] for coupon in answer["user_coupons"]]


async def test_a_master_sees_its_coupons_for_an_order_that_its_member_asked_it_to_pay(
    door: VoucherDoor,
) -> None:
    coupon_id = await a_family(door)
    await hear(door.database, created("CS1"))
    assert await coupons_for(door, "m1") == "CBC.30000010"
    await hear(door.database, about_order(OrderPaymentRequested, "CS1", paying_agent_id="m1"))
    assert await coupons_for(door, "m1") == [coupon_id]
    assert await coupons_for(door, "c1") == []  # the member's own
    assert await coupons_for(door, "m2") == "CBC.30000010"
    assert await coupons_for(door, "m1", "other") == "CBC.30000010"
    independent = {**CUSTODY, "financial_custody": False}
    await hear(door.database, about_customer(CustomerUpdated, "c1", 2, **independent))
    assert await coupons_for(door, "m1") == "CBC.30000010"
    elsewhere = {**CUSTODY, "enterprise_master_id": "m2"}
    await hear(door.database, about_customer(CustomerUpdated, "c1", 3, **elsewhere))
    assert await coupons_for(door, "m1") == "CBC.30000010"
    assert await coupons_for(door, "m2") == "CBC.30000010"  # the order was not asked of that one
    await hear(door.database, about_customer(CustomerUpdated, "c1", 4))
    assert await coupons_for(door, "m1") == "CBC.30000010"  # it left


async def test_the_masters_coupon_is_redeemed_by_the_members_order(door: VoucherDoor) -> None:
    coupon_id = await a_family(door)
    assert (await door.reserve("a1", [coupon_id], customer_id="m1")).status_code == 200
    about = {"paying_agent_id": "m1"}
    event = paid("a1", {coupon_id: "80.00"}).model_copy(update=about)
    await hear(door.database, event, event)
    coupon = await door.held(coupon_id)
    assert (coupon.balance, coupon.lock_order_id, coupon.order_id) == (
        Decimal("20.00"),
        None,
        "CS1",
    )
    (told,) = await outbox.bodies(door.database, "voucher.redeemed")
    assert (told["customer_id"], told["order_id"], told["amount"]) == ("m1", "CS1", "80.00")
    assert await door.is_balanced()


@pytest.mark.parametrize(("holder", "payer"), [("m1", None), ("c1", "m1")])
async def test_coupons_of_another_than_who_is_said_to_have_paid_are_for_a_person_to_see(
    door: VoucherDoor, holder: str, payer: str | None
) -> None:
    await hear(door.database, joined("sp"), associated("m1"), associated("c1"))
    coupon_id = await door.coupon(await door.grant(), holder, face=100)
    await door.reserve("a1", [coupon_id], customer_id=holder)
    event = paid("a1", {coupon_id: "80.00"}).model_copy(update={"paying_agent_id": payer})
    with pytest.raises(OutcomeContradictsError):
        await hear(door.database, event)
    coupon = await door.held(coupon_id)
    assert (coupon.balance, coupon.lock_order_id) == (Decimal("100.00"), "CS1")
    assert await outbox.bodies(door.database, "voucher.redeemed") == []


async def test_the_masters_coupon_is_free_again_when_the_payment_failed(door: VoucherDoor) -> None:
    coupon_id = await a_family(door)
    await door.reserve("a1", [coupon_id], customer_id="m1")
    await hear(door.database, failed("a1").model_copy(update={"paying_agent_id": "m1"}))
    coupon = await door.held(coupon_id)
    assert (coupon.balance, coupon.lock_order_id) == (Decimal("100.00"), None)
    assert (await door.reserve("a2", [coupon_id], customer_id="m1")).status_code == 200


@pytest.mark.parametrize("kind", [OrderPaid, OrderPaymentFailed])
async def test_an_outcome_before_the_masters_reservation_closes_the_attempt(
    door: VoucherDoor, kind: type
) -> None:
    coupon_id = await a_family(door)
    event = paid("a1", {}) if kind is OrderPaid else failed("a1")
    await hear(door.database, event.model_copy(update={"paying_agent_id": "m1"}))
    late = await door.reserve("a1", [coupon_id], customer_id="m1")
    assert (late.status_code, late.json()["code"]) == (409, "CHB.0409")
    assert (await door.held(coupon_id)).lock_order_id is None


async def test_a_member_does_not_use_its_masters_coupon(door: VoucherDoor) -> None:
    coupon_id = await a_family(door)
    answer = await door.reserve("a1", [coupon_id])
    assert (answer.status_code, answer.json()["code"]) == (400, "CBC.99003112")
    assert (await door.held(coupon_id)).lock_order_id is None
