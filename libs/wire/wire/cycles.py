"""When a package is full again: pure calendar arithmetic that its owner and billing share.

See docs/domain/resources.md H.13, decision 0090.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from wire.times import BEIJING, add_months, next_second

HOUR, DAY, WEEK, MONTH, YEAR = 1, 2, 3, 4, 5  # quota_reuse_cycle
NATURAL, FROM_BEGIN = 1, 2  # quota_reuse_cycle_type
_MONTHS = {MONTH: 1, YEAR: 12}
_LENGTHS = {HOUR: timedelta(hours=1), DAY: timedelta(days=1), WEEK: timedelta(weeks=1)}


@dataclass(frozen=True, slots=True)
class Cycle:
    """A time in which a package holds its amount once; `end_at` is the first instant behind it."""

    begin_at: datetime
    end_at: datetime


@dataclass(frozen=True, slots=True)
class Reuse:
    """From when to when a package holds, and how it is full again; without a cycle it never is.

    `expire_at` is its last second.
    """

    begin_at: datetime
    expire_at: datetime
    cycle: int | None
    cycle_type: int | None

    @property
    def over_at(self) -> datetime:
        """The first instant at which it holds nothing any more."""
        return next_second(self.expire_at)

    def cycle_at(self, instant: datetime) -> Cycle | None:
        """The cycle that the instant lies in; None before the package begins and after its end.

        The first natural cycle begins with the package, the last one of either kind ends with it.
        """
        if not self.begin_at <= instant < self.over_at:
            return None
        if self.cycle is None:
            return Cycle(self.begin_at, self.over_at)
        if self.cycle_type == NATURAL:
            begin, end = _natural(instant, self.cycle)
        else:
            begin, end = _moved(self.begin_at, instant, self.cycle)
        zone = self.begin_at.tzinfo
        return Cycle(
            max(begin, self.begin_at).astimezone(zone), min(end, self.over_at).astimezone(zone)
        )

    def begin_after(self, cycle: Cycle) -> datetime | None:
        """When it is full again; None behind its last cycle."""
        return cycle.end_at if cycle.end_at < self.over_at else None


def _natural(instant: datetime, cycle: int) -> tuple[datetime, datetime]:
    """From 00:00 in Beijing of the day, Monday, 1st or 1 January; hours from the hour."""
    hour = instant.astimezone(BEIJING).replace(minute=0, second=0, microsecond=0)
    if cycle == HOUR:
        return hour, hour + _LENGTHS[HOUR]
    day = hour.replace(hour=0)
    if cycle == DAY:
        return day, day + _LENGTHS[DAY]
    if cycle == WEEK:
        monday = day - timedelta(days=day.weekday())
        return monday, monday + _LENGTHS[WEEK]
    first = day.replace(day=1) if cycle == MONTH else day.replace(day=1, month=1)
    return first, add_months(first, _MONTHS[cycle])


def _moved(begin_at: datetime, instant: datetime, cycle: int) -> tuple[datetime, datetime]:
    """The begin moved by whole cycles; in a month that lacks its day it is the last one."""
    if cycle in _LENGTHS:
        length = _LENGTHS[cycle]
        begin = begin_at + (instant - begin_at) // length * length
        return begin, begin + length
    here, there = begin_at.astimezone(BEIJING), instant.astimezone(BEIJING)
    months = 12 * (there.year - here.year) + there.month - here.month
    step = _MONTHS[cycle]
    count = months // step
    if add_months(here, count * step) > there:
        count -= 1
    return add_months(here, count * step), add_months(here, (count + 1) * step)
