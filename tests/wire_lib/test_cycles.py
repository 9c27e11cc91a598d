"""When a package is full again (docs/domain/resources.md H.13)."""

from datetime import datetime, timedelta

import pytest

from wire.cycles import (
    DAY,
    FROM_BEGIN,
    HOUR,
    MONTH,
    NATURAL,
    WEEK,
    YEAR,
    Cycle,
    Reuse,
)
from wire.times import BEIJING

SECOND = timedelta(seconds=1)


def at(text: str) -> datetime:
    """An instant in Beijing."""
    return datetime.fromisoformat(text).replace(tzinfo=BEIJING)


def reuse(
    cycle: int | None,
    cycle_type: int | None = NATURAL,
    begin: str = "2026-01-31T10:30:00",
    expire: str = "2028-02-29T23:59:59",
) -> Reuse:
    return Reuse(at(begin), at(expire), cycle, None if cycle is None else cycle_type)


def cycle_of(one: Reuse, instant: str) -> tuple[str, str]:
    cycle = one.cycle_at(at(instant))
    assert cycle is not None
    return tuple(  # type: ignore[return-value]
        moment.astimezone(BEIJING).isoformat()[:19] for moment in (cycle.begin_at, cycle.end_at)
    )


@pytest.mark.parametrize(
    ("cycle", "instant", "begin", "end"),
    [
        (HOUR, "2026-03-04T05:59:59", "2026-03-04T05:00:00", "2026-03-04T06:00:00"),
        (DAY, "2026-03-04T00:00:00", "2026-03-04T00:00:00", "2026-03-05T00:00:00"),
        (WEEK, "2026-03-08T23:59:59", "2026-03-02T00:00:00", "2026-03-09T00:00:00"),  # Monday
        (WEEK, "2026-03-09T00:00:00", "2026-03-09T00:00:00", "2026-03-16T00:00:00"),
        (MONTH, "2026-02-28T23:59:59", "2026-02-01T00:00:00", "2026-03-01T00:00:00"),
        (MONTH, "2026-12-31T23:59:59", "2026-12-01T00:00:00", "2027-01-01T00:00:00"),
        (YEAR, "2026-12-31T23:59:59", "2026-01-31T10:30:00", "2027-01-01T00:00:00"),
        (YEAR, "2027-01-01T00:00:00", "2027-01-01T00:00:00", "2028-01-01T00:00:00"),
    ],
)
def test_natural_cycles_begin_at_midnight_in_beijing(
    cycle: int, instant: str, begin: str, end: str
) -> None:
    assert cycle_of(reuse(cycle), instant) == (begin, end)


@pytest.mark.parametrize(
    ("cycle", "instant", "begin", "end"),
    [
        (HOUR, "2026-01-31T11:29:59", "2026-01-31T10:30:00", "2026-01-31T11:30:00"),
        (DAY, "2026-02-01T10:29:59", "2026-01-31T10:30:00", "2026-02-01T10:30:00"),
        (WEEK, "2026-02-07T10:30:00", "2026-02-07T10:30:00", "2026-02-14T10:30:00"),
        (MONTH, "2026-02-28T10:29:59", "2026-01-31T10:30:00", "2026-02-28T10:30:00"),
        (MONTH, "2026-02-28T10:30:00", "2026-02-28T10:30:00", "2026-03-31T10:30:00"),
        (MONTH, "2026-03-31T10:29:59", "2026-02-28T10:30:00", "2026-03-31T10:30:00"),
        (MONTH, "2026-04-30T10:30:00", "2026-04-30T10:30:00", "2026-05-31T10:30:00"),
        (YEAR, "2027-01-31T10:29:59", "2026-01-31T10:30:00", "2027-01-31T10:30:00"),
        (YEAR, "2027-12-31T00:00:00", "2027-01-31T10:30:00", "2028-01-31T10:30:00"),
    ],
)
def test_other_cycles_are_the_begin_moved_and_keep_its_day(
    cycle: int, instant: str, begin: str, end: str
) -> None:
    """31 January, 28 February, 31 March: a day that a month lacks is its last one."""
    assert cycle_of(reuse(cycle, FROM_BEGIN), instant) == (begin, end)


def test_a_leap_day_is_the_28th_in_other_years() -> None:
    yearly = reuse(YEAR, FROM_BEGIN, "2028-02-29T08:00:00", "2033-02-28T23:59:59")
    assert cycle_of(yearly, "2029-03-01T00:00:00")[0] == "2029-02-28T08:00:00"
    assert cycle_of(yearly, "2032-02-29T08:00:00")[0] == "2032-02-29T08:00:00"


def test_the_first_and_the_last_cycle_are_cut_by_the_package() -> None:
    monthly = reuse(MONTH)
    assert cycle_of(monthly, "2026-01-31T10:30:00") == (
        "2026-01-31T10:30:00",
        "2026-02-01T00:00:00",
    )
    last = monthly.cycle_at(at("2028-02-29T23:59:59"))
    assert last == Cycle(at("2028-02-01T00:00:00"), at("2028-03-01T00:00:00"))
    assert monthly.begin_after(last) is None
    moved = reuse(MONTH, FROM_BEGIN)
    assert cycle_of(moved, "2028-02-29T23:59:59") == ("2028-02-29T10:30:00", "2028-03-01T00:00:00")


@pytest.mark.parametrize("kind", [None, HOUR, MONTH])
def test_there_is_no_cycle_before_the_begin_and_after_the_last_second(kind: int | None) -> None:
    one = reuse(kind)
    assert one.cycle_at(one.begin_at - SECOND) is None
    assert one.cycle_at(one.begin_at) is not None
    assert one.cycle_at(one.expire_at) is not None
    assert one.cycle_at(one.expire_at + SECOND) is None


def test_what_is_never_full_again_has_one_cycle() -> None:
    one = reuse(None)
    cycle = one.cycle_at(at("2027-06-01T00:00:00"))
    assert cycle == Cycle(one.begin_at, one.over_at)
    assert one.begin_after(cycle) is None


@pytest.mark.parametrize("cycle_type", [NATURAL, FROM_BEGIN])
@pytest.mark.parametrize("kind", [HOUR, DAY, WEEK, MONTH, YEAR])
def test_cycles_follow_one_another_without_gap_and_overlap(kind: int, cycle_type: int) -> None:
    one = reuse(kind, cycle_type)
    cycle = one.cycle_at(one.begin_at)
    for _ in range(100):
        assert cycle is not None
        for instant in (cycle.begin_at, cycle.end_at - SECOND / 10**6):
            assert one.cycle_at(instant) == cycle
        following = one.begin_after(cycle)
        if following is None:
            assert cycle.end_at == one.over_at
            return
        cycle = one.cycle_at(following)
        assert cycle is not None
        assert cycle.begin_at == following
