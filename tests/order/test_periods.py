"""The ends of periods."""

from datetime import UTC, datetime

import pytest

from order.resources.periods import expiry_of


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
