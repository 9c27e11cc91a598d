"""On the wire instants are in UTC, cycles and days in Beijing time.

See docs/domain/money-and-time.md E.
"""

import re
from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache

SECOND = timedelta(seconds=1)
BEIJING = timezone(timedelta(hours=8), "Beijing")
"""UTC+8 all year."""

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9000, 1, 1, tzinfo=UTC)
INSTANTS_KEPT = 1024  # whose day and cycle are known: a batch of usage asks often for few
LAST_SECOND = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)

INSTANT_PATTERN = (
    r"^[1-9]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$"
)
CYCLE_PATTERN = r"^[1-9]\d{3}-(0[1-9]|1[0-2])$"
DAY_PATTERN = r"^[1-9]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$"

_is_instant = re.compile(INSTANT_PATTERN, re.ASCII).fullmatch
_is_native_instant = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)", re.ASCII
).fullmatch
_is_cycle = re.compile(CYCLE_PATTERN, re.ASCII).fullmatch
_is_day = re.compile(DAY_PATTERN, re.ASCII).fullmatch


def parse_instant(text: str) -> datetime:
    """`2026-11-23T03:00:00Z` as an aware UTC datetime; ValueError for any other spelling."""
    if not _is_instant(text):
        raise ValueError(f"not an instant like 2026-11-23T03:00:00Z: {text[:40]}")
    return datetime.fromisoformat(text)  # its last second is what many write for "without end"


def parse_native_instant(text: str) -> datetime:
    """The same on our own paths: any offset, fractions of a second; UTC. ValueError otherwise."""
    if not _is_native_instant(text):
        raise ValueError("not an instant like 2026-11-23T11:00:00+08:00")
    return _bounded(datetime.fromisoformat(text)).astimezone(UTC)


def _bounded(instant: datetime) -> datetime:
    """Far from the ends of time, so that a day, a year or an offset more is an instant, too."""
    if not EARLIEST <= instant <= LATEST:
        raise ValueError(f"not between {EARLIEST:%Y} and {LATEST:%Y}")
    return instant


def format_instant(instant: datetime) -> str:
    """The instant as the wire writes it, cut to the second; ValueError without a time zone."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def next_second(instant: datetime) -> datetime:
    """Where the whole second of an instant of the wire ends; the last one of all has no end.

    What is stored to the microsecond is shown cut to the second, so a filter by a shown second
    counts whole seconds: `column < next_second(end)` holds all of `end`, and
    `column >= next_second(begin)` none of `begin`.
    """
    return instant + SECOND if instant < LAST_SECOND else LAST_SECOND


def parse_cycle(text: str) -> str:
    """A bill cycle `YYYY-MM`, unchanged; ValueError for any other spelling."""
    if not _is_cycle(text):
        raise ValueError(f"not a cycle like 2026-11: {text[:40]}")
    return text


def parse_day(text: str) -> date:
    """`YYYY-MM-DD` as a date; ValueError for any other spelling or no such day."""
    if not _is_day(text):
        raise ValueError(f"not a day like 2026-11-23: {text[:40]}")
    return date.fromisoformat(text)


@lru_cache(maxsize=INSTANTS_KEPT)
def beijing_day(instant: datetime) -> date:
    """The Beijing date of an instant."""
    return instant.astimezone(BEIJING).date()


@lru_cache(maxsize=INSTANTS_KEPT)
def cycle_of(instant: datetime) -> str:
    """The bill cycle an instant belongs to: 2026-10-31T16:00:00Z is in 2026-11."""
    local = instant.astimezone(BEIJING)
    return f"{local.year:04}-{local.month:02}"


def cycle_bounds(cycle: str) -> tuple[datetime, datetime]:
    """First instant of the cycle and first of the next one, in UTC."""
    year, month = int(cycle[:4]), int(cycle[5:])
    following = (year + 1, 1) if month == 12 else (year, month + 1)
    begin = datetime(year, month, 1, tzinfo=BEIJING)
    end = datetime(*following, 1, tzinfo=BEIJING)
    return begin.astimezone(UTC), end.astimezone(UTC)


def days_or_last_year(
    first: date | None, last: date | None, now: datetime
) -> tuple[datetime, datetime]:
    """Beijing days, both included, as instants of which the second is excluded.

    Where one is not given: the day a year ago, and today.
    """
    today = datetime.combine(beijing_day(now), time(), BEIJING)
    begin = add_months(today, -12) if first is None else datetime.combine(first, time(), BEIJING)
    end = today if last is None else datetime.combine(last, time(), BEIJING)
    return begin, min(end, LAST_SECOND - timedelta(days=1)) + timedelta(days=1)


def add_months(instant: datetime, months: int) -> datetime:
    """The same day and time so many months later; a day the month lacks becomes its last.

    Beyond the end of time it is the last second of all.
    """
    years, month_index = divmod(instant.month - 1 + months, 12)
    year, month = instant.year + years, month_index + 1
    if year > LAST_SECOND.year:
        return LAST_SECOND
    return instant.replace(year=year, month=month, day=min(instant.day, monthrange(year, month)[1]))
