"""When a subscription's files are due, and of which cycle they are."""

from datetime import UTC, datetime, time, timedelta

from billing.subscriptions.models import MONTHLY
from wire.times import BEIJING, beijing_day, cycle_of

HOUR = 12  # Beijing: the vendor's bill of a month is there on the 5th at noon
DAY_OF_MONTH = 5
DAY = timedelta(days=1)


def next_due(frequency: str, now: datetime) -> datetime:
    """The first instant after `now`: each day at noon, or the 5th at noon, Beijing time."""
    due = datetime.combine(beijing_day(now), time(HOUR), BEIJING)
    if due <= now:
        due += DAY
    while frequency == MONTHLY and due.day != DAY_OF_MONTH:
        due += DAY
    return due.astimezone(UTC)


def cycle_due(frequency: str, at: datetime) -> str:
    """The month before; of a daily file the cycle of the day before, which is whole."""
    if frequency == MONTHLY:
        return cycle_of(at - DAY * DAY_OF_MONTH)
    return cycle_of(at - DAY)


def next_try(at: datetime) -> datetime:
    """The next day at the same hour."""
    return datetime.combine(beijing_day(at) + DAY, time(HOUR), BEIJING).astimezone(UTC)
