"""What a period paid is shared among its months: nothing is lost, and nothing is rounded up."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random

import pytest

from billing.costs.amortise import (
    MEANS,
    MonthlyShare,
    Period,
    days_of_month,
    month_of,
    share_of_month,
)

PERIODS = 100


def random_period(random: Random) -> tuple[Period, dict[str, Decimal]]:
    paid = {kind: Decimal(random.randrange(0, 20_000)) / 100 for kind in MEANS}
    begin = date(2024, 1, 1) + timedelta(days=random.randrange(800))
    last = begin + timedelta(days=random.randrange(1500))
    ended = None
    if random.random() < 0.3:
        ended = begin + timedelta(days=random.randrange((last - begin).days + 1))
    return Period(sum(paid.values(), Decimal(0)), begin, last, ended), paid


def shares_of(period: Period, paid: dict[str, Decimal]) -> dict[str, MonthlyShare]:
    return {month: share_of_month(period, month, paid) for month, _ in period.months()}


def test_each_identity_holds_in_each_month_and_over_all() -> None:
    """Identity 5 of B.8. Break: round a month's part, or share the rest among the first months."""
    random = Random(3)
    for _ in range(PERIODS):
        period, paid = random_period(random)
        shares = shares_of(period, paid)
        assert sum(one.current for one in shares.values()) == period.amount
        past = Decimal(0)
        for one in shares.values():
            assert one.past == past
            assert one.past + one.current + one.future == period.amount
            assert sum(one.means.values()) == one.current
            assert min(one.means.values()) >= 0
            past += one.current
        for kind, amount in paid.items():
            assert sum(one.means[kind] for one in shares.values()) == amount


def test_a_months_part_is_its_days_cut_to_cents() -> None:
    """Against exact fractions; the last month alone takes the rest."""
    random = Random(4)
    for _ in range(PERIODS):
        period, _ = random_period(random)
        days = [
            period.begins_on + timedelta(days=number)
            for number in range((period.last_day - period.begins_on).days + 1)
        ]
        for month, part in list(period.months())[:-1]:
            exact = (
                Fraction(period.amount) * sum(month_of(day) == month for day in days) / len(days)
            )
            assert 0 <= exact - Fraction(part) < Fraction(1, 100)


def test_the_days_of_a_month_are_that_month() -> None:
    random = Random(5)
    for _ in range(PERIODS):
        period, _ = random_period(random)
        for month, part in period.months():
            days = dict(days_of_month(period, month))
            assert sum(days.values()) == part
            assert {month_of(day) for day in days} == {month}


@pytest.mark.parametrize(
    ("ended", "parts"),
    [
        (None, {"2026-11": "0.26", "2026-12": "1.03", "2027-01": "1.03", "2027-02": "0.78"}),
        (date(2026, 12, 31), {"2026-11": "0.26", "2026-12": "2.84"}),
        (date(2026, 11, 23), {"2026-11": "3.10"}),
    ],
)
def test_a_refund_ends_it_on_its_day(ended: date | None, parts: dict[str, str]) -> None:
    """93 days from 23 November to 23 February for 3.10: eight in November are 0.26 and a bit."""
    period = Period(Decimal("3.10"), date(2026, 11, 23), date(2027, 2, 23), ended)
    assert dict(period.months()) == {month: Decimal(part) for month, part in parts.items()}


def test_29_february_counts() -> None:
    period = Period(Decimal("60.00"), date(2028, 2, 1), date(2028, 3, 31))
    assert dict(period.months()) == {"2028-02": Decimal("29.00"), "2028-03": Decimal("31.00")}
