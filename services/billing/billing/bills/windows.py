"""How far back bills are shown, and the days of a cycle that a list asks for."""

from datetime import date, datetime

from chassis.errors import BadFieldError
from wire.times import cycle_of

PARTNER_VIEW_MONTHS = 18  # docs/domain/bills.md B.8


def check_cycle(
    cycle: str, now: datetime, months: int = PARTNER_VIEW_MONTHS, field: str = "bill_cycle"
) -> None:
    """Refuse a cycle that the view of so many months does not reach any more."""
    year, month = (int(part) for part in cycle_of(now).split("-"))
    first = year * 12 + month - 1 - (months - 1)
    if cycle < f"{first // 12:04}-{first % 12 + 1:02}":
        raise BadFieldError(field, f"older than {months} months")


def days_within(
    cycle: str,
    begin: date | None,
    end: date | None,
    names: tuple[str, str] = ("bill_date_begin", "bill_date_end"),
) -> tuple[date, date] | None:
    """The Beijing days asked for. One alone is no filter, as the vendor's text says."""
    for name, day in zip(names, (begin, end), strict=True):
        if day is not None and day.isoformat()[:7] != cycle:
            raise BadFieldError(name, "not in the bill cycle")
    if begin is None or end is None:
        return None
    if begin > end:
        raise BadFieldError(names[0], f"after {names[1]}")
    return begin, end
