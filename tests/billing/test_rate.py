"""Fees against exact rational arithmetic, tiers at their edges, and the vendor's own numbers.

`make ratings` looks at 10,000 usages.
"""

import os
from decimal import Decimal
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.prices.products import Price, Tier, flat
from billing.prices.rate import Usage, rate_usage, tiered_fee
from tests.billing.builders import NOW, money

EXAMPLES = int(os.environ.get("RATINGS", "300"))
FEE, CENT = 10**8, 100

PRICES = st.decimals("0.0000000001", 10_000, places=10)
QUANTITIES = st.decimals(0, 100_000, places=10)


@st.composite
def tiers(draw: st.DrawFn) -> tuple[Tier, ...]:
    """One to four, the first from nothing on."""
    bounds = sorted(draw(st.sets(st.decimals("0.5", 5_000, places=2), max_size=3)))
    return tuple(Tier(above=bound, hour=draw(PRICES)) for bound in [Decimal(0), *bounds])


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    """Seconds of hours, megabytes of gigabytes, and whole units."""
    numerator, denominator = draw(st.sampled_from([(1, 1), (1, 3600), (60, 1), (1, 1024)]))
    size = draw(st.one_of(st.just(Decimal(1)), st.decimals("0.1", 1_000, places=3)))
    return Usage(draw(QUANTITIES), numerator, denominator, size, draw(st.integers(1, 3)))


def cut_to(value: Fraction, parts: int) -> Fraction:
    """Toward nothing; what is rated is never negative."""
    return Fraction(floor(value * parts), parts)


def slowly(rows: tuple[Tier, ...], usage: Usage, before: Decimal) -> Fraction:
    """What the units between `before` and the end of the usage cost, tier by tier."""
    used = Fraction(usage.value) * usage.numerator / usage.denominator
    end = Fraction(before) + used * Fraction(usage.size) * usage.count
    whole, at = Fraction(0), Fraction(before)
    for number, tier in enumerate(rows):
        last = number + 1 == len(rows)
        until = end if last else min(end, Fraction(rows[number + 1].above))
        if until > at:
            whole += (until - at) * Fraction(tier.hour)
            at = until
    return whole


@settings(max_examples=EXAMPLES)
@given(tiers(), usages(), st.decimals(0, 6_000, places=10), st.decimals("0.0001", 1, places=4))
def test_a_fee_is_the_exact_one_cut_once_for_each_of_its_steps(
    rows: tuple[Tier, ...], usage: Usage, before: Decimal, ratio: Decimal
) -> None:
    """Break: divide by the denominator before the price, or round in place of cutting."""
    fee = rate_usage(rows, ratio, usage, before)
    official = cut_to(slowly(rows, usage, before), FEE)
    net = cut_to(official * Fraction(ratio), FEE)
    payable = cut_to(net, CENT)
    found = [Fraction(part) for part in (fee.official, fee.discount, fee.erased, fee.payable)]
    assert found == [official, official - net, net - payable, payable]
    assert fee.official == fee.discount + fee.erased + fee.payable
    assert fee.erased < money("0.01")


TRAFFIC = (
    Tier(above=Decimal(0), hour=money("0.50")),
    Tier(above=Decimal(10), hour=money("0.40")),
    Tier(above=Decimal(50), hour=money("0.30")),
)
EDGES = [
    ("0", "10", "5.00"),  # the bound itself is of the lower tier
    ("0", "10.0000000001", "5.00000000"),  # and 0.00000000004 above it
    ("0", "11", "5.40"),
    ("10", "1", "0.40"),
    ("9.5", "1", "0.45"),
    ("0", "60", "24.00"),  # 10 × 0.50 + 40 × 0.40 + 10 × 0.30
    ("50", "10", "3.00"),
    ("49", "2", "0.70"),
    ("60", "0", "0.00"),
]


@pytest.mark.parametrize(("before", "used", "fee"), EDGES)
def test_a_tier_begins_above_its_bound(before: str, used: str, fee: str) -> None:
    """Break: let a tier begin at the one's bound before it."""
    assert tiered_fee(TRAFFIC, Usage(money(used)), 8, money(before)) == money(fee)


def test_parts_of_a_use_cost_what_the_whole_does_but_for_what_is_cut() -> None:
    whole = tiered_fee(TRAFFIC, Usage(money("73.25")), 8)
    parts, used = Decimal(0), Decimal(0)
    for _ in range(293):
        parts += tiered_fee(TRAFFIC, Usage(money("0.25")), 8, used)
        used += money("0.25")
    assert parts == whole


def test_the_vendors_examples() -> None:
    """docs/domain/worked-examples.md F.1."""
    disk = rate_usage(
        flat(money("0.00064")), Decimal(1), Usage(money("25874"), 1, 3600, Decimal(10))
    )
    assert (disk.official, disk.payable, disk.erased) == (
        money("0.04599822"), money("0.04"), money("0.00599822"),
    )  # fmt: skip
    net = rate_usage(flat(money("100.005")), money("0.85"), Usage(Decimal(1)))
    assert (net.discount, net.payable, net.erased) == (
        money("15.00075"), money("85.00"), money("0.00425"),
    )  # fmt: skip


BAD_TIERS: list[tuple[dict[str, object], str]] = [
    ({"tiers": [{"above": "1", "hour": "1"}]}, "begin above 0"),
    ({"tiers": [{"above": "0", "hour": "1"}], "hour": "1"}, "without hour"),
    ({"tiers": [{"above": "0", "hour": "1"}, {"above": "0", "hour": "2"}]}, "the one before"),
]


@pytest.mark.parametrize(("row", "said"), BAD_TIERS)
def test_tiers_that_leave_a_gap_or_overlap_are_refused(row: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Price.model_validate({"valid_from": NOW, "currency": "CNY", **row})
