"""The ends of periods."""

from datetime import UTC, datetime, timedelta

import pytest

from order.resources.periods import expiry_of, renewed_period, too_far


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("effective", "period_type", "period_num", "expiry"),
    [
        ("2026-11-23T02:00:00", 2, 1, "2026-12-23T15:59:59"),
        ("2026-11-23T16:00:00", 2, 1, "2026-12-24T15:59:59"),  # the 24th in Beijing
        ("2027-01-31T02:00:00", 2, 1, "2027-02-28T15:59:59"),
        ("2028-02-29T02:00:00", 3, 1, "2029-02-28T15:59:59"),
        ("2026-11-23T02:00:00", 0, 10, "2026-12-03T15:59:59"),
        ("2026-11-23T02:00:00", 1, 2, "2026-12-07T15:59:59"),
        ("2026-11-23T02:00:07", 4, 25, "2026-11-24T03:00:07"),
        ("2026-11-23T02:00:00", 5, 1, None),
    ],
)
def test_a_period_ends_with_its_last_day_in_beijing(
    effective: str, period_type: int, period_num: int, expiry: str | None
) -> None:
    found = expiry_of(at(effective), period_type, period_num)
    assert found == (at(expiry) if expiry else None)


@pytest.mark.parametrize(
    ("first_end", "last_end", "period", "unified_day", "end", "extra_days"),
    [
        # the day of month is kept; what a month lacks becomes its last day
        ("2027-01-31", "2027-01-31", (2, 1), None, "2027-02-28", 0),
        ("2027-01-31", "2027-02-28", (2, 1), None, "2027-03-31", 0),
        ("2027-01-31", "2027-03-31", (2, 1), None, "2027-04-30", 0),
        ("2027-01-30", "2027-02-28", (2, 1), None, "2027-03-30", 0),
        ("2028-02-29", "2028-02-29", (3, 1), None, "2029-02-28", 0),
        ("2028-02-29", "2031-02-28", (3, 1), None, "2032-02-29", 0),
        ("2026-12-31", "2026-12-31", (2, 11), None, "2027-11-30", 0),
        ("2026-12-29", "2026-12-29", (3, 3), None, "2029-12-29", 0),
        # the unified day: the worked number, then without further days
        ("2026-12-29", "2026-12-29", (2, 1), 5, "2027-02-05", 7),
        ("2026-12-29", "2027-02-05", (2, 1), 5, "2027-03-05", 0),
        ("2026-12-29", "2027-02-05", (2, 1), None, "2027-03-05", 0),
        ("2026-12-29", "2027-02-05", (2, 1), 20, "2027-03-20", 15),
        ("2026-12-05", "2026-12-05", (2, 1), 5, "2027-01-05", 0),
        ("2026-12-04", "2026-12-04", (2, 1), 5, "2027-01-05", 1),
        ("2026-12-06", "2026-12-06", (2, 1), 5, "2027-02-05", 30),
        ("2026-11-20", "2026-11-20", (2, 1), 5, "2027-01-05", 16),
        # the last day of a month
        ("2027-01-29", "2027-01-29", (2, 1), -1, "2027-02-28", 0),
        ("2027-01-29", "2027-02-28", (2, 1), -1, "2027-03-31", 0),
        ("2027-01-15", "2027-01-15", (2, 1), -1, "2027-02-28", 13),
        ("2028-01-30", "2028-01-30", (2, 1), -1, "2028-02-29", 0),
        ("2027-01-31", "2027-02-28", (2, 1), -1, "2027-03-31", 0),
    ],
)  # fmt: skip
def test_a_renewal_keeps_the_day_of_month_and_goes_on_to_the_unified_day(
    first_end: str, last_end: str, period: tuple[int, int], unified_day: int | None, end: str,
    extra_days: int,
) -> None:  # fmt: skip
    """See docs/domain/resources.md H.7. Break: add the months to the last end itself."""
    first, last = (at(f"{day}T15:59:59") for day in (first_end, last_end))
    found = renewed_period(first, last, *period, unified_day)
    assert found.begin_at == last + timedelta(seconds=1)
    assert (found.end_at, found.extra_days) == (at(f"{end}T15:59:59"), extra_days)


def test_ten_years_ahead_are_allowed_and_a_day_more_is_not() -> None:
    now = at("2026-11-23T02:00:00")
    assert not too_far(at("2036-11-23T15:59:59"), now)
    assert too_far(at("2036-11-23T16:00:00"), now)
    assert not too_far(at("2038-02-28T15:59:59"), at("2028-02-29T02:00:00"))
