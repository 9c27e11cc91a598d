"""What goes back of a period: worked numbers and bounds (docs/domain/resources.md H.9)."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order.refunds.fees import fee_rate
from order.refunds.refund_rules import (
    Means,
    give_all_back,
    give_nothing_back,
    give_rest_back,
)
from order.resources.periods import expiry_of
from wire.times import BEIJING

ZERO = Decimal("0.00")
PAID = Means(coupon=Decimal("20.00"), flexi=Decimal("30.00"), cash=Decimal("70.00"))
BEGIN = datetime(2024, 1, 1, 10, 30, tzinfo=BEIJING)
END = datetime(2024, 2, 1, 23, 59, 59, tzinfo=BEIJING)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BEIJING)


def test_the_disk_for_a_month() -> None:
    """344 of 758 hours of an actual payment of 100.00; the cash coupon stays used."""
    given_back = give_rest_back(PAID, BEGIN, END, at("2024-01-15T18:40"), Decimal("0.10"))
    assert (given_back.hours_used, given_back.hours_total) == (344, 758)
    assert (given_back.paid, given_back.consumed) == (Decimal("100.00"), Decimal("45.38"))
    assert given_back.fee == Decimal("10.00")
    assert given_back.back == Means(flexi=Decimal("13.39"), cash=Decimal("31.23"))
    assert given_back.back.total == Decimal("44.62")


def test_within_five_days_each_goes_back_to_where_it_came_from() -> None:
    given_back = give_all_back("five_days", PAID)
    assert given_back.back == PAID
    assert (given_back.paid, given_back.consumed, given_back.fee) == (Decimal("100.00"), ZERO, ZERO)


def test_the_fee_is_never_more_than_what_is_left() -> None:
    late = at("2024-02-01T20:00")
    given_back = give_rest_back(PAID, BEGIN, END, late, Decimal("0.10"))
    assert given_back.back.total == ZERO
    assert given_back.consumed + given_back.fee == Decimal("100.00")


def test_what_was_bought_for_all_time_is_used_up() -> None:
    given_back = give_nothing_back(PAID)
    assert (given_back.back.total, given_back.consumed) == (ZERO, Decimal("100.00"))


@pytest.mark.parametrize(
    ("begin", "months", "now", "rate"),
    [
        ("2026-01-01T10:00", 1, "2026-01-10T00:00", "0.10"),
        ("2026-01-01T10:00", 11, "2026-01-10T00:00", "0.10"),
        ("2026-01-01T10:00", 12, "2026-01-10T00:00", "0.10"),
        ("2026-01-01T10:00", 24, "2026-12-31T23:00", "0.15"),
        ("2026-01-01T10:00", 24, "2027-01-01T10:00", "0.10"),
        ("2026-01-01T10:00", 36, "2027-01-01T09:59", "0.15"),
        ("2026-01-01T10:00", 36, "2027-01-01T10:00", "0.10"),
        ("2026-01-01T10:00", 36, "2028-01-01T10:00", "0.05"),
        ("2026-01-01T10:00", 60, "2030-06-01T10:00", "0.05"),
        ("2024-02-29T10:00", 12, "2024-06-01T10:00", "0.10"),
    ],
)
def test_the_rate_follows_the_length_and_the_year(
    begin: str, months: int, now: str, rate: str
) -> None:
    end = expiry_of(at(begin), 2, months)
    assert end is not None
    assert fee_rate(at(begin), end, at(now)) == Decimal(rate)


CENTS = st.integers(0, 10**9).map(lambda cents: Decimal(cents) / 100)


@given(
    st.builds(Means, CENTS, CENTS, CENTS, CENTS, CENTS),
    st.integers(0, 36 * 31 * 24 * 60),
    st.sampled_from(["0.05", "0.10", "0.15"]),
)
def test_what_goes_back_is_paid_less_consumed_less_fee_and_no_means_gets_more_than_it_gave(
    paid: Means, minutes: int, rate: str
) -> None:
    now = BEGIN + timedelta(minutes=minutes)
    found = give_rest_back(paid, BEGIN, END, now, Decimal(rate))
    assert found.paid == paid.total - paid.coupon
    assert found.back.total == found.paid - found.consumed - found.fee
    assert found.back.coupon == 0
    for name in ("flexi", "card", "cash", "credit"):
        assert 0 <= getattr(found.back, name) <= getattr(paid, name)
