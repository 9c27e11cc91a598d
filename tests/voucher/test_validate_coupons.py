"""POST /api/coupons/validations: every rule, by those of a reservation; nothing is written.

See docs/domain/coupons.md H.17.
"""

from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import RefusedError
from testkit import audit
from testkit.door import code_of
from tests.voucher.builders import (
    ECS,
    LATER,
    NOW,
    OTHER,
    PARTNER,
    VoucherDoor,
    a_line,
    an_order_line,
    associated,
    created,
    customer,
    hear,
    joined,
    paid,
    reservation,
    rows_of,
    settle_in,
)  # fmt: skip
from voucher.attempts.list_coupon_options import ListCouponOptions, list_coupon_options
from voucher.attempts.models import Attempt
from voucher.attempts.reserve_coupons import ReserveCoupons, reserve_coupons
from voucher.copies import Order
from voucher.coupons.list_order_coupons import ListOrderCoupons, list_order_coupons
from voucher.coupons.models import USABLE, Coupon
from voucher.coupons.rule_words import RULES, TOGETHER
from voucher.quotas.models import DISCOUNT
from voucher.whys.validate_coupons import CouponValidation, ValidateCoupons, validate_coupons

pytestmark = pytest.mark.postgres

PATH = "/api/coupons/validations"
CASES = 100
PAYMENT_TYPES = {1: 301, 2: 300, 4: 302}


def a_bill(**more: Any) -> dict[str, Any]:
    line = {
        "line_id": "l1", "product_id": "p1", "service_type_code": ECS, "region_code": "cn-north-4",
        "amount_after_discount": "80.00", "currency": "CNY",
    }  # fmt: skip
    return line | more


async def judged(door: VoucherDoor, coupon_ids: list[str], **more: Any) -> Any:
    body: dict[str, Any] = {"customer_id": "c1", "coupon_ids": coupon_ids}
    named = more if "order_id" in more else {"lines": [a_bill()]} | more
    answer = await door.post(PATH, body | named)
    assert answer.status_code == 200, answer.text
    return answer.json()


def broken(checks: list[dict[str, Any]]) -> list[str]:
    return [check["rule"] for check in checks if not check["holds"]]


async def test_every_rule_is_told_and_not_the_first_alone(door: VoucherDoor) -> None:
    """Break: stop at the first check that does not hold."""
    await settle_in(door)
    limits = {"threshold_amount": "80.00", "simultaneous_use_with_empower_discount": False}
    coupon_id = await door.coupon(await door.grant(limits=limits), face=100)
    await door.reserve("a1", [await door.coupon(await door.grant())])
    line = a_bill(discount_type=3, discount_ratio="0.9")
    found = await judged(door, [coupon_id, "nowhere"], lines=[line])
    coupon, unknown = found["coupons"]
    assert [check["rule"] for check in coupon["checks"]] == list(RULES)[: -len(TOGETHER)]
    assert broken(coupon["checks"]) == ["threshold", "empower_discount"]
    assert (coupon["usable"], coupon["code"], coupon["amount"]) == (False, "CBC.99003112", "0.00")
    threshold = next(check for check in coupon["checks"] if check["rule"] == "threshold")
    assert (threshold["found"], threshold["wanted"]) == ("80.00", "80.00")
    assert broken(unknown["checks"]) == ["known"]
    assert [check["rule"] for check in found["together"]] == list(TOGETHER)
    assert (found["usable"], found["code"]) == (False, "CBC.99003112")


async def test_the_words_come_in_both_languages(door: VoucherDoor) -> None:
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant())
    body = {"customer_id": "c1", "coupon_ids": [coupon_id], "lines": [a_bill()]}
    told = []
    for language in ("en_US", "zh_CN"):
        answer = await door.post(PATH, body, headers={"X-Language": language})
        found = answer.json()
        checks = found["coupons"][0]["checks"] + found["together"]
        told.append([check["message"] for check in checks])
    assert len(told[0]) == len(set(told[0])) == len(RULES)
    assert not set(told[0]) & set(told[1])


async def test_what_each_would_pay_of_each_line(door: VoucherDoor) -> None:
    """Cash before flexi, and what it would alone where they do not go together."""
    await settle_in(door)
    quota_id = await door.grant()
    cash, second = [await door.coupon(quota_id, face=face) for face in (30, 20)]
    flexi = await door.coupon(await door.grant(quota_type=1), face=100)
    lines = [a_bill(), a_bill(line_id="l2", amount_after_discount="10.00")]
    found = await judged(door, [flexi, cash], lines=lines)
    paid_by = {
        one["coupon_id"]: [(part["line_id"], part["amount"]) for part in one["lines"]]
        for one in found["coupons"]
    }
    assert paid_by == {cash: [("l1", "30.00")], flexi: [("l1", "50.00"), ("l2", "10.00")]}
    assert (found["usable"], found["amount"]) == (True, "90.00")
    both = await judged(door, [cash, second], lines=lines)
    assert broken(both["together"]) == ["one_of_a_type"]
    assert [one["amount"] for one in both["coupons"]] == ["30.00", "20.00"]
    assert (both["usable"], both["code"], both["amount"]) == (False, "CBC.99003112", "0.00")


async def test_an_order_is_judged_at_the_price_it_carries(door: VoucherDoor) -> None:
    await settle_in(door)
    limits = {"min_consume_discount": "0.90"}
    coupon_id = await door.coupon(await door.grant(limits=limits), face=100)
    line = an_order_line(discount_type=2, discount_ratio="0.8")
    await hear(door.database, created(lines=[line], discount_id="d1"))
    found = await judged(door, [coupon_id], order_id="cs1", discount_id="d1")
    [coupon] = found["coupons"]
    assert (found["order_id"], found["code"]) == ("CS1", "CBC.99003117")
    minimum = next(check for check in coupon["checks"] if not check["holds"])
    assert (minimum["rule"], minimum["found"], minimum["wanted"]) == ("min_discount", "0.8", "0.90")
    body = {"customer_id": "c1", "order_id": "CS1", "coupon_ids": [coupon_id]}
    other = await door.post(PATH, body | {"discount_id": "d2"})
    assert code_of(other) == (400, "CBC.99003108")
    await hear(door.database, paid("a1", {}))
    assert code_of(await door.post(PATH, body)) == (400, "CBC.99003106")


async def test_who_may_ask_and_what_is_refused(door: VoucherDoor) -> None:
    await settle_in(door)
    await hear(door.database, joined("other"), associated("c9", partner_id="other"))
    coupon_id = await door.coupon(await door.grant())
    body = {"customer_id": "c1", "coupon_ids": [coupon_id], "lines": [a_bill()]}
    for by, found in [
        (PARTNER, 200), (customer("c1"), 200), (customer("c2"), 403), (OTHER, 404),
    ]:  # fmt: skip
        assert (await door.post(PATH, body, by)).status_code == found
    foreign = await door.post(PATH, body | {"customer_id": "c9"}, OTHER)
    assert broken(foreign.json()["coupons"][0]["checks"]) == ["known"]
    wrong: list[dict[str, Any]] = [
        {"lines": None}, {"order_id": "CS1"}, {"discount_id": "d"}, {"coupon_ids": []},
        {"coupon_ids": [coupon_id] * 2}, {"coupon_ids": ["a", "b", "c", "d"]},
        {"lines": [a_bill(), a_bill()]}, {"lines": [a_bill(), a_bill(line_id="x", currency="USD")]},
        {"lines": [a_bill(currency="USD")]}, {"lines": [a_bill(discount_ratio="1.1")]},
        {"lines": [a_bill(amount_after_discount="1.001")]}, {"lines": [a_bill(size=1)]},
    ]  # fmt: skip
    for more in wrong:
        assert code_of(await door.post(PATH, body | more)) == (400, "CBC.0100"), more
    unknown = await door.post(PATH, {"customer_id": "c1", "coupon_ids": ["x"], "order_id": "CS9"})
    assert code_of(unknown) == (400, "CBC.30000010")


async def test_nothing_is_written(door: VoucherDoor) -> None:
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant())
    before, deeds = (await door.held(coupon_id)).version, await audit.deeds(door.database)
    assert (await judged(door, [coupon_id]))["usable"]
    assert (await door.held(coupon_id)).version == before
    assert await rows_of(door.database, Attempt) == 0
    assert await audit.deeds(door.database) == deeds


def a_random_coupon(random: Random, coupon: Coupon) -> None:
    """Any state and limits, as they are when somebody pays."""
    one = random.choice
    coupon.coupon_type = one([1, 1, 2, 2, 3, 4, 4])
    coupon.coupon_group = one([0, 0, 1, 1, 2, 2])
    if coupon.coupon_type == DISCOUNT:  # holds no money
        coupon.discount_ratio, coupon.face_value = Decimal("0.9"), Decimal(0)
        coupon.balance = Decimal(0)
    if random.random() < 0.4:
        coupon.status = one([2, 2, 2, 2, 2, 2, 1, 3, 4, 5])
        coupon.is_frozen = random.random() < 0.1
        coupon.lock_order_id = one([None] * 9 + ["CS7"])
        coupon.effective_at = NOW + timedelta(days=one([-1, -1, -1, -1, -1, 0, 1]))
        coupon.expire_at = one([LATER] * 6 + [NOW, NOW - timedelta(1)])
        coupon.last_used_at = one([None, None, NOW])
    limits: dict[str, Any] = {
        "usage_times": 1, "threshold_amount": one(["10.00", "30.00", "60.00"]),
        "cloud_service_types": [one([ECS, "hws.service.type.ebs"])],
        "region_codes": [one(["cn-north-4", "cn-north-1"])], "first_order_in_service": True,
        "subscribe_types": [one(["new", "renew"])], "charge_scenes": [one([2, 5])],
        "only_for_strict_selected": True,
        "simultaneous_use_with_promotion_discount": False,
        "simultaneous_use_with_contract_discount": False,
        "simultaneous_use_with_empower_discount": False,
        "simultaneous_use_with_discount_coupon": False,
        "min_consume_discount": one(["0.85", "0.96"]),
    }  # fmt: skip
    chosen = random.sample(list(limits), one([0, 0, 1, 2]))
    coupon.limits = {name: limits[name] for name in chosen}


def some_lines(random: Random) -> list[dict[str, Any]]:
    kind, order_type = random.choice([None, 0, 1, 2, 3]), random.choice([1, 1, 2])
    return [
        a_line(
            f"l{n}", random.choice(["10.00", "30.00"]),
            service_type_code=random.choice([ECS, ECS, "hws.service.type.ebs"]),
            order_type=order_type, charging_mode=random.choice([1, 1, 3]),
            period_type=2,
            discount_type=kind,
            discount_ratio=None if kind is None else random.choice(["0.7", "0.8", "0.95"]),
        )
        for n in range(random.randint(1, 3))
    ]  # fmt: skip


async def test_validation_reservation_list_and_options_never_disagree(door: VoucherDoor) -> None:
    """The first rule that does not hold is the reservation's refusal; else the same amounts.

    The customer's list for the order has those that validation finds usable, and payment options
    refuse the others by the code that it names.
    Break: let the reservation judge without one of the rules, or in another order; or the list, or
    the options.
    """
    await settle_in(door)
    await hear(door.database, created())
    quota_id = await door.grant()
    made = [await door.coupon(quota_id, face=face) for face in (25, 50, 100)]
    random, seen = Random(5), set()
    for case in range(CASES):
        chosen = random.sample(made, random.randint(1, 3))
        if len(chosen) < len(made) and random.random() < 0.1:
            chosen.append("nowhere")
        told, done = await both_ways(door, random, made, chosen, f"a{case}")
        assert told.code == (done if isinstance(done, str) else None), (case, told)
        if not isinstance(done, str):
            said = {one.coupon_id: f"{one.amount:f}" for one in told.coupons if one.amount}
            assert done == said, case
        seen.add(told.code)
    assert seen == {None, *(words.code for words in RULES.values())}


async def both_ways(
    door: VoucherDoor, random: Random, made: list[str], chosen: list[str], attempt: str
) -> tuple[CouponValidation, str | dict[str, str]]:
    """The validation, and the reservation's code or amounts; nothing is left of it."""
    lines = some_lines(random)
    with suppress(UndoneError):
        async with door.database.transaction() as session:
            types = {}
            for coupon_id in chosen:
                coupon = await session.get(Coupon, coupon_id)
                if coupon is not None:
                    a_random_coupon(random, coupon)
                    types[coupon_id] = PAYMENT_TYPES.get(coupon.coupon_type, 303)
            await session.flush()
            asked = {
                "customer_id": "c1", "coupon_ids": chosen,
                "lines": [as_asked(line) for line in lines],
            }  # fmt: skip
            await refuse_disagreement(session, list(made), lines)
            wanted = ValidateCoupons.model_validate(asked)
            told = await validate_coupons(session, PARTNER, wanted, NOW, "en_US")
            body = reservation(attempt, [], "1.00") | {"lines": lines}
            body["coupons"] = [{"coupon_id": x, "type": types.get(x, 301)} for x in chosen]
            done = await reserved(session, body)
            raise UndoneError
    return told, done


async def refuse_disagreement(
    session: AsyncSession, coupon_ids: list[str], lines: list[dict[str, Any]]
) -> None:
    """Validation of all coupons for an order of these lines, beside its list and its options."""
    order = await session.get_one(Order, "CS1")
    order.order_type = lines[0]["order_type"]
    order.lines = [an_order_line(**line).model_dump(mode="json") for line in lines]
    await session.flush()
    of_order = {"customer_id": "c1", "coupon_ids": coupon_ids, "order_id": "CS1"}
    wanted = ValidateCoupons.model_validate(of_order)
    told = await validate_coupons(session, PARTNER, wanted, NOW, "en_US")
    codes = {one.coupon_id: one.code for one in told.coupons}
    usable = {coupon_id for coupon_id, code in codes.items() if code is None}
    asked = ListOrderCoupons(order_id="CS1")
    listed = (await list_order_coupons(session, customer("c1"), asked, NOW))["user_coupons"]
    assert {one["coupon_id"] for one in listed} == usable
    body = {
        "order_id": "CS1", "customer_id": "c1", "options_max": 9, "pricings": [{"lines": lines}],
    }  # fmt: skip
    options = ListCouponOptions.model_validate(body)
    [rated] = (await list_coupon_options(session, customer("c1"), options, NOW))["pricings"]
    assert {one["coupon_id"] for one in rated["usable"]} == usable
    refused = {one["coupon_id"]: one["code"] for one in rated["refused"]}
    assert refused == {one: codes[one] for one in refused}
    for coupon_id in codes.keys() - usable - refused.keys():  # ended: not looked at
        coupon = await session.get_one(Coupon, coupon_id)
        assert coupon.status != USABLE or coupon.expire_at <= NOW


async def reserved(session: AsyncSession, body: dict[str, Any]) -> str | dict[str, str]:
    wanted = ReserveCoupons.model_validate(body)
    try:
        answer = await reserve_coupons(session, customer("c1"), wanted, NOW)
    except RefusedError as error:
        return error.refusal_code
    return {one["coupon_id"]: one["amount"] for one in answer["coupons"]}


class UndoneError(Exception):
    """What was tried is rolled back."""


def as_asked(line: dict[str, Any]) -> dict[str, Any]:
    return line | {"currency": "CNY"}
