"""Beijing cycles, UTC instants, and cutting instead of rounding.

See docs/domain/money-and-time.md E, docs/domain/worked-examples.md F.1, F.5.
"""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from wire.money import share
from wire.times import add_months
from wire.types import (
    beijing_day,
    cut,
    cycle_bounds,
    cycle_of,
    format_instant,
    number_text,
    parse_instant,
)


def test_an_instant_is_read_and_written_alike() -> None:
    instant = parse_instant("2026-11-23T03:00:00Z")
    assert instant == datetime(2026, 11, 23, 3, 0, 0, tzinfo=UTC)
    assert instant.utcoffset() == timedelta(0)
    assert format_instant(instant) == "2026-11-23T03:00:00Z"


def test_an_instant_of_another_zone_is_written_in_utc_and_cut_to_the_second() -> None:
    beijing = datetime(2026, 11, 23, 11, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=8)))
    assert format_instant(beijing) == "2026-11-23T03:00:00Z"


def test_an_instant_without_a_zone_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="time zone"):
        format_instant(datetime(2026, 11, 23))  # noqa: DTZ001


@pytest.mark.parametrize(
    "text",
    [
        "0999-11-23T03:00:00Z",
        "2026-00-23T03:00:00Z",
        "2026-11-32T03:00:00Z",
        "2026-11-23T24:00:00Z",
        "2026-11-23T23:60:00Z",
        "2026-11-23T23:00:60Z",
        "2026-11-23T03:00:00",
        "2026-11-23T03:00:00.000Z",
        "2026-11-23t03:00:00z",
        "2026-11-31T00:00:00Z",
        "２026-11-23T03:00:00Z",
    ],
)
def test_any_other_spelling_is_no_instant(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        parse_instant(text)


@pytest.mark.parametrize(
    ("instant", "cycle", "day"),
    [
        ("2026-10-31T15:59:59Z", "2026-10", date(2026, 10, 31)),
        ("2026-10-31T16:00:00Z", "2026-11", date(2026, 11, 1)),
        ("2026-12-31T16:00:00Z", "2027-01", date(2027, 1, 1)),
    ],
)
def test_cycle_and_day_are_beijing_time(instant: str, cycle: str, day: date) -> None:
    assert cycle_of(parse_instant(instant)) == cycle
    assert beijing_day(parse_instant(instant)) == day


@pytest.mark.parametrize("cycle", ["2026-10", "2026-12", "2024-02"])
def test_a_cycles_bounds_hold_its_instants_and_no_others(cycle: str) -> None:
    begin, end = cycle_bounds(cycle)
    second = timedelta(seconds=1)
    assert [cycle_of(i) == cycle for i in (begin - second, begin, end - second, end)] == [
        False,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("value", "places", "expected"),
    [
        ("0.04599822", 2, "0.04"),
        ("85.00425", 2, "85.00"),
        ("-30.009", 2, "-30.00"),
        ("0.999", 2, "0.99"),
        ("5", 8, "5.00000000"),
        ("1E-9", 8, "0E-8"),
        ("12345678901234567890.99", 10, "12345678901234567890.9900000000"),
    ],
)
def test_a_value_is_cut_toward_zero(value: str, places: int, expected: str) -> None:
    assert str(cut(Decimal(value), places)) == expected


def test_what_is_cut_off_is_the_truncation_of_the_documented_example() -> None:
    price = Decimal(25874) / 3600 * Decimal("0.00064") * 10
    fee = cut(price, 8)
    assert (fee, cut(fee, 2), fee - cut(fee, 2)) == (
        Decimal("0.04599822"),
        Decimal("0.04"),
        Decimal("0.00599822"),
    )


def test_numbers_are_written_without_exponent_and_with_a_point() -> None:
    assert [number_text(Decimal(v)) for v in ("1E-8", "1E+2", "12.30")] == [
        "0.00000001",
        "100.0",
        "12.30",
    ]


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
    found = share(Decimal(total), rooms)
    assert found == [Decimal(part) for part in shares]
    assert sum(found) == Decimal(total)
    assert all(one <= part for one, part in zip(found, rooms, strict=True))


@pytest.mark.parametrize("cents", range(0, 301, 7))
def test_every_total_up_to_the_whole_can_be_shared_out(cents: int) -> None:
    rooms = [Decimal("0.01"), Decimal("1.00"), Decimal("0.00"), Decimal("1.99")]
    found = share(Decimal(cents) / 100, rooms)
    assert sum(found) == Decimal(cents) / 100
    assert all(0 <= one <= part for one, part in zip(found, rooms, strict=True))


@pytest.mark.parametrize(
    ("total", "weights"), [("0.02", ["0.01"]), ("0.01", []), ("0.001", ["1"]), ("1", ["1.001"])]
)
def test_what_cannot_be_shared_to_the_cent_is_no_share(total: str, weights: list[str]) -> None:
    with pytest.raises(ValueError, match=r"is more than|no amount of 2 decimals"):
        share(Decimal(total), [Decimal(weight) for weight in weights])


def test_months_are_counted_on_the_calendar() -> None:
    december = datetime(2026, 12, 31, tzinfo=UTC)
    assert add_months(december, 2) == datetime(2027, 2, 28, tzinfo=UTC)
    march = datetime(2027, 3, 1, tzinfo=UTC)
    assert add_months(march, 12) == datetime(2028, 3, 1, tzinfo=UTC)
