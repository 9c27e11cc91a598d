"""A resource as it is to be changed, and what is left of what was paid for it.

See docs/domain/resources.md H.10, decision 0100.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from order.ordering.trades import PlannedLine
from order.refunds.plan_refund import means_of
from order.refunds.reductions import Reductions
from order.refunds.refund_rules import cut_fraction, left_of
from order.resources.models import ResourcePeriod


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedChange(PlannedLine):
    """A resource with its period in effect, and what that is worth for the hours to come.

    `ratio` is what was paid of each yuan that the period cost before discounts of the order.
    """

    at: datetime
    paid: Sequence[ResourcePeriod]  # the period, then what changes of it cost more
    reductions: Reductions
    worth: Fraction
    ratio: Fraction
    hours_left: int
    hours_total: int

    def difference(self, price: Decimal) -> Decimal:
        """What the resource costs more at this price of the whole period; negative: less."""
        needed = Fraction(price) * self.ratio * self.hours_left / self.hours_total
        return cut_fraction(needed - self.worth)

    @property
    def is_the_same(self) -> bool:
        """Whether nothing would be changed."""
        before = self.resource.resource_spec_code, self.resource.measure_size
        return before == (self.resource_spec_code, self.measure_size)

    @property
    def promised(self) -> tuple[Any, ...]:
        """A further change, or a refund, makes it worth something else."""
        ids = tuple(one.period_id for one in self.paid)
        return self.resource.resource_id, self.resource.version, ids, self.worth


def values_left(change: PlannedChange) -> list[Decimal]:
    """What could go back at most, of the period and of each change: cash coupons stay used."""
    values = []
    for one in change.paid:
        means, reduced = means_of(one), change.reductions.get(one.period_id, ())
        end_at = change.expire_at
        assert end_at is not None, "what is bought for all time is not changed"
        left = left_of(means.total - means.coupon, one.begin_at, end_at, change.at, reduced)
        values.append(cut_fraction(left))
    return values
