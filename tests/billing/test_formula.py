"""Fees are cut and never rounded, and the formula on a bill comes to what was paid (F.1, B.8)."""

import re
from decimal import Decimal
from fractions import Fraction
from math import trunc
from random import Random
from typing import Any

import pytest

from billing.prices.products import flat
from billing.prices.rate import Usage, rate_usage
from billing.records.formula import formula_of

USAGES, FORMULAS = 10_000, 1_000


def cut_exactly(value: Fraction, places: int) -> Fraction:
    """Toward zero, in whole numbers."""
    return Fraction(trunc(value * 10**places), 10**places)


def value_of(formula: str) -> Fraction:
    """What the formula comes to, exactly."""
    figures = re.sub(r"【[^】]*】", "", formula)
    whole, *less = re.split(r"(?<=[\d.])-", figures)
    value = Fraction(1)
    for factor in whole.split("*"):
        dividend, _, divisor = factor.partition("/")
        value *= Fraction(dividend) / Fraction(divisor or 1)
    for part in less:
        value -= Fraction(part)
    return value


def random_usage(random: Random) -> tuple[Decimal, Decimal, Usage, Fraction]:
    """A price, the ratio payable of it, a usage, and how much was used exactly."""
    price = Decimal(random.randrange(1, 10**12)) / 10**10
    ratio = Decimal(random.randrange(1, 10**4 + 1)) / 10**4
    numerator, denominator = random.choice([(1, 1), (1, 3600), (1024, 1), (1, 86400), (3600, 1)])
    value, size = Decimal(random.randrange(1, 10**9)) / 10**4, Decimal(random.randrange(1, 5000))
    usage = Usage(value, numerator, denominator, size)
    return price, ratio, usage, Fraction(value) * numerator / denominator * Fraction(size)


def test_truncation_is_exact_over_random_usages() -> None:
    """Break: round where it cuts, or cut the discounted fee before the list price."""
    random = Random(1)
    for _ in range(USAGES):
        price, ratio, usage, used = random_usage(random)
        fee = rate_usage(flat(price), ratio, usage)
        official = cut_exactly(Fraction(price) * used, 8)
        net = cut_exactly(official * Fraction(ratio), 8)
        assert Fraction(fee.official) == official
        assert Fraction(fee.payable) == cut_exactly(net, 2)
        assert fee.official == fee.discount + fee.erased + fee.payable
        assert 0 <= fee.erased < Decimal("0.01")


def row_of(fee: Any, usage: Usage, price: Decimal, **more: Any) -> dict[str, Any]:
    return {
        "charging_mode": 3, "bill_type": 5, "period_type": None, "period_num": None,
        "unit_price": price, "usage_amount": usage.value, "free_resource_usage": None,
        "spec_size": usage.size if usage.size != 1 else None,
        "official_discount_amount": fee.discount, "erase_amount": fee.erased,
        "coupon_amount": Decimal("0.00"), **more,
    }  # fmt: skip


def test_the_formula_comes_to_the_amount_less_the_coupon() -> None:
    """Also where packages held a part of the use. Break: leave the conversion out."""
    random = Random(2)
    for _ in range(FORMULAS):
        price, ratio, usage, used = random_usage(random)
        whole = used * usage.denominator
        taken = Decimal(random.randrange(0, trunc(used) + 1)) if random.random() < 0.3 else None
        if taken:
            whole -= Fraction(taken) * usage.denominator
            charged = Usage(Decimal(whole.numerator) / whole.denominator, 1, usage.denominator)
            fee = rate_usage(flat(price), ratio, charged)
        else:
            fee = rate_usage(flat(price), ratio, usage)
        coupon = min(fee.payable, Decimal(random.randrange(500)) / 100)
        row = row_of(fee, usage, price, coupon_amount=coupon, free_resource_usage=taken)
        formula = formula_of(row, (usage.numerator, usage.denominator))
        assert formula is not None
        assert cut_exactly(value_of(formula), 2) == Fraction(fee.payable - coupon), formula


def test_the_example_of_the_vendor() -> None:
    """25874 s of 10 GB at 0.00064: payable 0.04, truncation 0.00599822 (F.1)."""
    usage = Usage(Decimal(25874), 1, 3600, Decimal(10))
    fee = rate_usage(flat(Decimal("0.00064")), Decimal(1), usage)
    assert (fee.payable, fee.erased) == (Decimal("0.04"), Decimal("0.00599822"))
    assert formula_of(row_of(fee, usage, Decimal("0.0006400000")), (1, 3600)) == (
        "25874【使用量】/3600【单位转换】*10【规格】*0.00064【单价】"
        "-0【优惠金额】-0.00599822【抹零金额】-0【代金券抵扣】"
    )


@pytest.mark.parametrize(
    ("row", "formula"),
    [
        ({"period_type": 20, "period_num": 3, "spec_size": Decimal(40)},
         "3【周期数】/1【周期转换】*40【规格】*0.5【单价】-10【优惠金额】-5.00【代金券抵扣】"),
        ({"period_type": 5, "period_num": 1, "spec_size": None},
         "0.5【单价】-10【优惠金额】-5.00【代金券抵扣】"),
        ({"bill_type": 3, "period_type": 20, "period_num": 3}, None),
        ({"unit_price": None, "period_type": 20, "period_num": 3}, None),
    ],
)  # fmt: skip
def test_periods_have_the_formula_of_their_scene(row: dict[str, Any], formula: str | None) -> None:
    values = {
        "charging_mode": 1, "bill_type": 1, "unit_price": Decimal("0.5000000000"),
        "official_discount_amount": Decimal("10.00000000"), "coupon_amount": Decimal("5.00"),
        "spec_size": None, **row,
    }  # fmt: skip
    wanted = None if formula is None else formula.replace("5.00", "5")
    assert formula_of(values, None) == wanted
