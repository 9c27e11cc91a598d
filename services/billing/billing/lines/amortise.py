"""How what a period costs is spread over its months (docs/domain/bills.md I.6)."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal

from wire.money import ACCOUNT_PLACES, cut
from wire.times import add_months, beijing_day

DAY = timedelta(days=1)
_MONTHS = {19: 12, 20: 1}  # of a bill's period types: year, month
_DAYS = {24: 1}


def last_day_of(
    charged_at: datetime, period_end_at: datetime | None, period_type: int | None,
    periods: int | None,
) -> date:  # fmt: skip
    """The last day that a charge pays for, in Beijing; its own day where it pays for no period."""
    end = period_end_at
    if end is None and period_type in _MONTHS:
        end = add_months(charged_at, _MONTHS[period_type] * (periods or 1))
    if end is None and period_type in _DAYS:
        end = charged_at + DAY * _DAYS[period_type] * (periods or 1)
    if end is None:
        return beijing_day(charged_at)
    return max(beijing_day(charged_at), beijing_day(end - timedelta(microseconds=1)))


def amortise(
    amount: Decimal, first: date, last: date, ended: date | None = None
) -> dict[str, Decimal]:
    """What of the amount falls into each month, by days, each cut to the cent.

    What cutting leaves is in the last month. A period that `ended` before has its rest there.
    """
    days = (last - first).days + 1
    stop = min(last, max(first, ended)) if ended is not None else last
    parts: dict[str, Decimal] = {}
    for cycle, within in days_by_month(first, stop):
        parts[cycle] = cut(amount * within / days, ACCOUNT_PLACES)
    parts[cycle] += amount - sum(parts.values(), Decimal(0))
    return parts


def days_by_month(first: date, last: date) -> Iterator[tuple[str, int]]:
    """Each month of the days from `first` to `last`, and how many of them are in it."""
    day = first
    while day <= last:
        end = min(last, day.replace(day=monthrange(day.year, day.month)[1]))
        yield f"{day:%Y-%m}", (end - day).days + 1
        day = end + DAY
