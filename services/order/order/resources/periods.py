"""Calendar arithmetic of ordered periods."""

from datetime import datetime, time, timedelta

from wire.times import BEIJING, add_months

LAST_SECOND = time(23, 59, 59)

# Order codes of docs/domain/bills.md B.8.
DAY, WEEK, MONTH, YEAR, HOUR, ONE_TIME = 0, 1, 2, 3, 4, 5


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
