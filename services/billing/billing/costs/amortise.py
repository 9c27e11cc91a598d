"""How what was paid for a period is shared among its months (docs/domain/bills.md I.6).

By day from the day of the charge to the last day, both in Beijing; each month's part is cut to two
decimals and the last month takes the rest. A refund ends it on its day: that month takes the rest.
Usage, refunds and what is paid once are their own month's.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from wire.money import cut, share

# How a month's part was paid; what is owed, and what was owed and is paid, is money.
MEANS = {
    "amortized_cash_amount": ("cash_amount", "debt_amount", "writeoff_amount"),
    "amortized_credit_amount": ("credit_amount",),
    "amortized_coupon_amount": ("coupon_amount",),
    "amortized_flexipurchase_coupon_amount": ("flexipurchase_coupon_amount",),
    "amortized_stored_value_card_amount": ("stored_value_card_amount",),
    "amortized_bonus_amount": ("bonus_amount",),
}
ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Period:
    """What is shared, from which day to which, both included; `ends_on`: a refund's day."""

    amount: Decimal
    begins_on: date
    last_day: date
    ends_on: date | None = None

    @property
    def last_month(self) -> str:
        """The month that takes the rest."""
        last = min(self.last_day, self.ends_on) if self.ends_on else self.last_day
        return month_of(max(last, self.begins_on))

    def months(self) -> Iterator[tuple[str, Decimal]]:
        """Each month's part, in their order; all of them are the amount."""
        days = (self.last_day - self.begins_on).days + 1
        left, day = self.amount, self.begins_on
        while True:
            month = month_of(day)
            following = first_of_next(day)
            if month >= self.last_month:
                yield month, left
                return
            part = cut(self.amount * (following - day).days / days, 2)
            yield month, part
            left, day = left - part, following


@dataclass(frozen=True, slots=True)
class MonthlyShare:
    """What of an amount lies before a month, in it and behind it; and how its part was paid."""

    past: Decimal
    current: Decimal
    future: Decimal
    means: Mapping[str, Decimal]


def share_of_month(period: Period, month: str, paid: Mapping[str, Decimal]) -> MonthlyShare:
    """Past, current and future are the amount, and the means of all months are what paid it."""
    past, means = ZERO, dict.fromkeys(paid, ZERO)
    left = dict(paid)
    current = ZERO
    for name, part in period.months():
        if name > month:
            break
        taken = dict(zip(left, share(part, list(left.values())), strict=True))
        left = {kind: left[kind] - taken[kind] for kind in left}
        if name == month:
            current, means = part, taken
        else:
            past += part
    return MonthlyShare(past, current, period.amount - past - current, means)


def days_of_month(period: Period, month: str) -> Iterator[tuple[date, Decimal]]:
    """The month's part day by day: as even as cents allow, and together the month's."""
    part = dict(period.months()).get(month)
    if part is None:
        return
    first = max(period.begins_on, date.fromisoformat(f"{month}-01"))
    last = first_of_next(first) - timedelta(days=1)
    if month == period.last_month:
        last = min(last, period.last_day, period.ends_on or period.last_day)
    days = max((last - first).days + 1, 1)
    told = ZERO
    for number in range(1, days + 1):
        reached = part if number == days else cut(part * number / days, 2)
        yield first + timedelta(days=number - 1), reached - told
        told = reached


def means_of(row: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """How a line was paid, by the six means that amortisation names."""
    return {kind: sum((row[name] for name in names), ZERO) for kind, names in MEANS.items()}


def month_of(day: date) -> str:
    """YYYY-MM."""
    return day.isoformat()[:7]


def first_of_next(day: date) -> date:
    """The first day of the next month."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
