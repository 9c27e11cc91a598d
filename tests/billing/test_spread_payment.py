"""What pays an order is spread over its lines so that every cent is found again."""

import random
from decimal import Decimal

import pytest

from billing.bills.spread_payment import Payment, spread_payment
from tests.billing.builders import money
from wire.money import CENT

KINDS = ("discount_coupon", "coupon", "flexi", "card", "cash", "credit")
CASES = 400


def payment(**amounts: str) -> Payment:
    return Payment(**{kind: money(amounts.get(kind, "0.00")) for kind in KINDS})


def test_the_left_over_cent_goes_to_the_largest_remainder() -> None:
    parts = spread_payment(payment(coupon="10.00", cash="20.00"), [money("10.00")] * 3)
    assert [part.coupon for part in parts] == [money("3.34"), money("3.33"), money("3.33")]
    assert [part.cash for part in parts] == [money("6.66"), money("6.67"), money("6.67")]


def test_shares_follow_what_the_lines_cost() -> None:
    parts = spread_payment(
        payment(coupon="30.00", flexi="10.00", cash="60.00"), [money("75.00"), money("25.00")]
    )
    assert [(p.coupon, p.flexi, p.cash) for p in parts] == [
        (money("22.50"), money("7.50"), money("45.00")),
        (money("7.50"), money("2.50"), money("15.00")),
    ]


def test_a_free_line_pays_nothing() -> None:
    parts = spread_payment(payment(cash="0.01"), [money("0.00"), money("0.01")])
    assert [part.cash for part in parts] == [money("0.00"), money("0.01")]


@pytest.mark.parametrize(
    "paid", [payment(cash="9.99"), payment(cash="10.01"), payment(coupon="10.00", credit="0.01")]
)
def test_what_does_not_pay_exactly_is_refused(paid: Payment) -> None:
    with pytest.raises(ValueError, match=r"more than|not paid|no amount"):
        spread_payment(paid, [money("4.00"), money("6.00")])


@pytest.mark.parametrize("amount", ["0.001", "-1.00"])
def test_an_amount_that_no_account_moves_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match="no amount"):
        spread_payment(payment(cash=amount), [money(amount)])


def test_for_any_order_both_sums_hold_and_nothing_is_negative() -> None:
    """Random lines and a random cut of their sum into the five means of payment."""
    for seed in range(CASES):
        paid, payables = random_order(random.Random(seed))
        parts = spread_payment(paid, payables)
        for part, payable in zip(parts, payables, strict=True):
            of_line = [getattr(part, kind) for kind in KINDS]
            assert sum(of_line) == payable, seed
            assert min(of_line) >= 0, seed
        for kind in KINDS:
            of_kind = sum((getattr(part, kind) for part in parts), Decimal(0))
            assert of_kind == getattr(paid, kind), seed
        assert spread_payment(paid, payables) == parts, seed


def test_no_share_is_a_cent_away_from_its_proportion() -> None:
    for seed in range(CASES):
        paid, payables = random_order(random.Random(seed))
        whole = sum(payables) or 1
        for part, payable in zip(spread_payment(paid, payables), payables, strict=True):
            exact = paid.discount_coupon * payable / whole
            assert abs(part.discount_coupon - exact) < CENT, seed


def random_order(chance: random.Random) -> tuple[Payment, list[Decimal]]:
    largest = chance.choice([3, 100, 10**4, 10**9])
    cents = [chance.randint(0, largest) for _ in range(chance.randint(1, 40))]
    cuts = sorted(chance.randint(0, sum(cents)) for _ in range(len(KINDS) - 1))
    ends = zip([0, *cuts], [*cuts, sum(cents)], strict=True)
    paid = Payment(*((end - begin) * CENT for begin, end in ends))
    return paid, [amount * CENT for amount in cents]
