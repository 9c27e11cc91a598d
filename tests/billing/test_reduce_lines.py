"""Every number of docs/domain/orders.md H.1, and what must hold for any."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from billing.discounts.models import FIXED_PRICE, RATIO, REDUCTION
from billing.discounts.reduce_lines import reduce_lines
from tests.billing.builders import money

TWO = [money("64.40"), money("28.00")]


def test_a_ratio_is_cut_and_stands_as_it_was_granted() -> None:
    (server,) = reduce_lines(RATIO, Decimal("0.9"), [money("182.12")])
    assert server.amount_after_discount == money("163.90")
    assert server.discount_amount == money("18.22")
    assert server.discount_ratio == Decimal("0.9")  # not 0.8999


def test_a_reduction_is_shared_in_proportion_and_the_largest_remainder_takes_the_cent() -> None:
    """Break: give the left cent to the second line in `wire.money.share`."""
    reduced = reduce_lines(REDUCTION, money("10.00"), TWO)
    assert [one.discount_amount for one in reduced] == [money("6.97"), money("3.03")]
    assert [one.amount_after_discount for one in reduced] == [money("57.43"), money("24.97")]
    assert [one.discount_ratio for one in reduced] == [Decimal("0.8917"), Decimal("0.8917")]


def test_a_fixed_price_is_a_reduction_to_it() -> None:
    reduced = reduce_lines(FIXED_PRICE, money("80.00"), TWO)
    assert [one.discount_amount for one in reduced] == [money("8.64"), money("3.76")]
    assert [one.amount_after_discount for one in reduced] == [money("55.76"), money("24.24")]


def test_equal_remainders_give_the_cent_to_the_earlier_line() -> None:
    reduced = reduce_lines(REDUCTION, money("0.01"), [money("5.00"), money("5.00")])
    assert [one.discount_amount for one in reduced] == [money("0.01"), money("0.00")]


def test_a_reduction_takes_no_more_than_there_is_and_a_higher_price_takes_nothing() -> None:
    reduced = reduce_lines(REDUCTION, money("100.00"), TWO)
    assert [one.amount_after_discount for one in reduced] == [money("0.00"), money("0.00")]
    unchanged = reduce_lines(FIXED_PRICE, money("92.40"), TWO)
    assert [one.discount_amount for one in unchanged] == [money("0.00"), money("0.00")]
    dearer = reduce_lines(FIXED_PRICE, money("92.41"), TWO)
    assert [one.amount_after_discount for one in dearer] == TWO


def test_a_line_that_costs_nothing_has_ratio_one() -> None:
    reduced = reduce_lines(REDUCTION, money("10.00"), [money("0.00"), money("28.00")])
    assert [one.discount_ratio for one in reduced] == [Decimal(1), Decimal("0.6428")]


AMOUNTS = st.decimals(0, 100_000, places=2)


@given(
    st.sampled_from([RATIO, FIXED_PRICE, REDUCTION]),
    st.decimals("0.0001", "0.9999", places=4),
    AMOUNTS,
    st.lists(AMOUNTS, min_size=1, max_size=20),
)
def test_no_cent_is_made_or_lost(
    mode: int, ratio: Decimal, amount: Decimal, bases: list[Decimal]
) -> None:
    reduced = reduce_lines(mode, ratio if mode == RATIO else amount, bases)
    whole = sum(bases)
    for base, one in zip(bases, reduced, strict=True):
        assert 0 <= one.amount_after_discount <= base
        assert one.discount_amount + one.amount_after_discount == base
    paid = sum(one.amount_after_discount for one in reduced)
    if mode == REDUCTION:
        assert paid == whole - min(amount, whole)
    if mode == FIXED_PRICE:
        assert paid == min(amount, whole)
