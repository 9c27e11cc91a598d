"""Calendar arithmetic of ordered periods."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from wire.times import BEIJING, SECOND, add_months
from wire.vocabulary import PeriodType

LAST_SECOND = time(23, 59, 59)
LAST_DAY, DAYS_MAX = -1, 31  # of a month
YEARS_AHEAD_MAX = 10  # of a renewal's end (docs/domain/resources.md H.7)

DAY, WEEK, MONTH = PeriodType.DAY, PeriodType.WEEK, PeriodType.MONTH
YEAR, HOUR, ONE_TIME = PeriodType.YEAR, PeriodType.HOUR, PeriodType.ONE_TIME


def expiry_of(effective_at: datetime, period_type: int, period_num: int) -> datetime | None:
    """When a period bought at `effective_at` ends; None for a one-time product.

    Periods of a day and longer end on the last second of their last day in Beijing.
    """
    if period_type == ONE_TIME:
        return None
    if period_type == HOUR:
        return effective_at + timedelta(hours=period_num)
    here = effective_at.astimezone(BEIJING)
    if period_type in (MONTH, YEAR):
        last = add_months(here, period_num * (12 if period_type == YEAR else 1))
    else:
        last = here + timedelta(days=period_num * (7 if period_type == WEEK else 1))
    end = datetime.combine(last.date(), LAST_SECOND, tzinfo=BEIJING)
    return end.astimezone(effective_at.tzinfo)


@dataclass(frozen=True, slots=True)
class RenewedPeriod:
    """A period behind the last one; `extra_days` lead to the unified expiry day."""

    begin_at: datetime
    end_at: datetime
    extra_days: int = 0


def renewed_period(
    first_end: datetime,
    last_end: datetime,
    period_type: int,
    period_num: int,
    unified_day: int | None = None,
) -> RenewedPeriod:
    """The period of so many months or years behind `last_end`.

    It ends on the day of month of the first period's end, a month that lacks it on its last day:
    31 January, 28 February, 31 March. With a unified expiry day (1 to 28, or -1 for the last of a
    month) it goes on to the next such day (docs/domain/resources.md H.7).
    """
    last = last_end.astimezone(BEIJING)
    months = period_num * (12 if period_type == YEAR else 1)
    target = add_months(last.replace(day=1), months)
    day = min(_day_kept(first_end, last, unified_day), _days_of(target))
    end = datetime.combine(target.replace(day=day).date(), LAST_SECOND, tzinfo=BEIJING)
    moved = end if unified_day is None else _moved_on(end, unified_day)
    zone = last_end.tzinfo
    return RenewedPeriod(last_end + SECOND, moved.astimezone(zone), (moved - end).days)


def _day_kept(first_end: datetime, last: datetime, unified_day: int | None) -> int:
    """The first end's day, unless the last end was moved to a unified day: then that."""
    first_day = first_end.astimezone(BEIJING).day
    if unified_day == LAST_DAY and last.day == _days_of(last):
        return DAYS_MAX
    return first_day if last.day == min(first_day, _days_of(last)) else last.day


def _moved_on(end: datetime, unified_day: int) -> datetime:
    """The next unified day, the end's own included."""
    if unified_day == LAST_DAY:
        return end.replace(day=_days_of(end))
    if end.day > unified_day:
        end = add_months(end.replace(day=1), 1)
    return end.replace(day=unified_day)


def _days_of(instant: datetime) -> int:
    return monthrange(instant.year, instant.month)[1]


def too_far(end_at: datetime, now: datetime) -> bool:
    """Whether the end's day in Beijing is more than ten years ahead."""
    limit = add_months(now.astimezone(BEIJING), YEARS_AHEAD_MAX * 12)
    return end_at.astimezone(BEIJING).date() > limit.date()
