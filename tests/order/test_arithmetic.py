"""Sharing amounts out to the cent, and the ends of periods."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from order.payments.apportion import apportion
from order.resources.periods import add_months, expiry_of


@pytest.mark.parametrize(
    ("total", "room", "shares"),
    [
        ("10.00", ["85.00", "85.00", "85.00"], ["3.34", "3.33", "3.33"]),
        ("0.01", ["0.00", "5.00"], ["0.00", "0.01"]),
        ("0.02", ["0.01", "0.01", "0.00"], ["0.01", "0.01", "0.00"]),
        ("100.00", ["99.99", "0.01"], ["99.99", "0.01"]),
        ("0.00", ["0.00", "0.00"], ["0.00", "0.00"]),
        ("7.77", ["0.03", "9.97"], ["0.02", "7.75"]),
    ],
)
def test_shares_add_up_and_none_is_above_its_room(
    total: str, room: list[str], shares: list[str]
) -> None:
    rooms = [Decimal(part) for part in room]
    found = apportion(Decimal(total), rooms)
    assert found == [Decimal(share) for share in shares]
    assert sum(found) == Decimal(total)
    assert all(share <= part for share, part in zip(found, rooms, strict=True))


@pytest.mark.parametrize("cents", range(0, 301, 7))
def test_every_total_up_to_the_whole_can_be_shared_out(cents: int) -> None:
    rooms = [Decimal("0.01"), Decimal("1.00"), Decimal("0.00"), Decimal("1.99")]
    found = apportion(Decimal(cents) / 100, rooms)
    assert sum(found) == Decimal(cents) / 100
    assert all(0 <= share <= part for share, part in zip(found, rooms, strict=True))


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


def test_months_are_counted_on_the_calendar() -> None:
    assert add_months(at("2026-12-31T00:00:00"), 2) == at("2027-02-28T00:00:00")
    assert add_months(at("2027-03-01T00:00:00"), 12) == at("2028-03-01T00:00:00")
