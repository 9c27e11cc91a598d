"""What goes back of a paid period: pure arithmetic (docs/domain/resources.md H.9)."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from wire.money import CENT, cut, share

ACCOUNT_PLACES = 2
ZERO = Decimal("0.00")
Rule = Literal["five_days", "not_effective", "conditional", "provisioning_failed", "changed"]
CHANGED: Rule = "changed"
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Means:
    """An amount by each means of payment, 2 decimals each."""

    coupon: Decimal = ZERO  # cash coupons
    flexi: Decimal = ZERO
    card: Decimal = ZERO
    cash: Decimal = ZERO
    credit: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """All of it."""
        return self.coupon + self.flexi + self.card + self.cash + self.credit

    def __add__(self, other: "Means") -> "Means":
        """Each means by itself."""
        names = [one.name for one in fields(Means)]
        return Means(*(getattr(self, name) + getattr(other, name) for name in names))

    def __sub__(self, other: "Means") -> "Means":
        """Each means by itself."""
        names = [one.name for one in fields(Means)]
        return Means(*(getattr(self, name) - getattr(other, name) for name in names))


@dataclass(frozen=True, slots=True)
class Reduction:
    """What a change gave back of a period, of the hours from then on."""

    at: datetime
    back: Means


@dataclass(frozen=True, slots=True)
class GivenBack:
    """What goes back of one period, and what stays: `back` = paid - consumed - fee.

    `paid` is the actual payment: without cash coupons, which come back with all or not at all.
    """

    rule: Rule
    paid: Decimal
    back: Means
    consumed: Decimal = ZERO
    fee: Decimal = ZERO
    hours_used: int = 0
    hours_total: int = 0


def give_all_back(rule: Rule, paid: Means) -> GivenBack:
    """Everything to where it came from, coupons and cards included."""
    return GivenBack(rule, paid.total - paid.coupon, paid)


def give_nothing_back(paid: Means) -> GivenBack:
    """What was bought once for all time is used up."""
    actual = paid.total - paid.coupon
    return GivenBack("conditional", actual, Means(), consumed=actual)


def give_rest_back(
    paid: Means,
    begin_at: datetime,
    end_at: datetime,
    now: datetime,
    rate: Decimal,
    reductions: Sequence[Reduction] = (),
) -> GivenBack:
    """What is not used up of a period in effect, less the fee; cash coupons stay used.

    Hours are counted from the hour of the begin to the second after the end, up to the hour of
    now. The rest is shared in proportion to what each means paid. What changes gave back before is
    neither paid nor used up.
    """
    used, total = hours_of(begin_at, end_at, now)
    still = still_paid(paid, reductions)
    actual = still.total - still.coupon
    left = left_of(paid.total - paid.coupon, begin_at, end_at, now, reductions)
    consumed = cut_fraction(Fraction(actual) - left)
    fee = min(cut(actual * rate, ACCOUNT_PLACES), actual - consumed)
    rest = share(actual - consumed - fee, [still.flexi, still.card, still.cash, still.credit])
    return GivenBack("conditional", actual, Means(ZERO, *rest), consumed, fee, used, total)


def give_part_back(part: Decimal, paid: Means, reductions: Sequence[Reduction] = ()) -> GivenBack:
    """What a change costs less, to the means that paid in proportion; cash coupons stay used."""
    still = still_paid(paid, reductions)
    back = share(part, [still.flexi, still.card, still.cash, still.credit])
    return GivenBack(CHANGED, part, Means(ZERO, *back))


def still_paid(paid: Means, reductions: Sequence[Reduction]) -> Means:
    """Without what changes gave back before."""
    return paid - sum((one.back for one in reductions), Means())


def hours_of(begin_at: datetime, end_at: datetime, now: datetime) -> tuple[int, int]:
    """How many hours of a period are used, and how many it has; the one begun is used."""
    begin = _hour_of(begin_at)
    total = max((end_at + timedelta(seconds=1) - begin) // HOUR, 1)
    return min((_hour_of(now) - begin) // HOUR, total), total


def left_of(
    amount: Decimal,
    begin_at: datetime,
    end_at: datetime,
    now: datetime,
    reductions: Sequence[Reduction] = (),
) -> Fraction:
    """What of an amount that paid the period is for hours to come, exactly."""
    left = _left(amount, begin_at, end_at, now)
    return left - sum(
        (_left(one.back.total, one.at, end_at, now) for one in reductions), Fraction(0)
    )


def _left(amount: Decimal, begin_at: datetime, end_at: datetime, now: datetime) -> Fraction:
    used, total = hours_of(begin_at, end_at, now)
    return Fraction(amount) * (total - used) / total


def cut_fraction(amount: Fraction) -> Decimal:
    """To the cent, the rest cut off toward zero."""
    return Decimal(int(amount * 100)) * CENT


def _hour_of(instant: datetime) -> datetime:
    return instant.replace(minute=0, second=0, microsecond=0)
