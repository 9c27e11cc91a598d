"""The arithmetic of a discount over the lines it covers (docs/domain/orders.md H.1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from billing.accounts.models import ZERO
from billing.discounts.models import FIXED_PRICE, RATIO, UNIT_PRICE
from wire.money import ACCOUNT_PLACES, cut, share

RATIO_PLACES = 4


@dataclass(frozen=True, slots=True)
class Reduction:
    """What a discount takes off a line, what is left to pay, and the ratio of that to the base."""

    discount_amount: Decimal
    amount_after_discount: Decimal
    discount_ratio: Decimal


def reduce_lines(mode: int, value: Decimal, bases: Sequence[Decimal]) -> list[Reduction]:
    """Each line's part; a base is the official amount less the catalogue's own reduction.

    A ratio is of each line; prices of units go by `reduce_line`. A reduction, or the way down to a
    fixed price, is shared over the lines in proportion to their bases; cents that cutting leaves
    go to the largest remainders, the earlier line first.
    """
    if mode == RATIO:
        return [_by_ratio(value, base) for base in bases]
    whole = sum(bases, ZERO)
    total = whole - cut(value, ACCOUNT_PLACES) if mode == FIXED_PRICE else min(value, whole)
    parts = share(max(cut(total, ACCOUNT_PLACES), ZERO), bases)
    return [_by_amount(part, base) for part, base in zip(parts, bases, strict=True)]


def reduce_line(mode: int, value: Decimal, base: Decimal, units: Decimal) -> Reduction:
    """One line's part, of a ratio or of a price for each of its units; never more than the base."""
    if mode != UNIT_PRICE:
        return _by_ratio(value, base)
    return _by_amount(max(base - cut(value * units, ACCOUNT_PLACES), ZERO), base)


def _by_ratio(ratio: Decimal, base: Decimal) -> Reduction:
    payable = cut(base * ratio, ACCOUNT_PLACES)
    return Reduction(base - payable, payable, ratio)


def _by_amount(part: Decimal, base: Decimal) -> Reduction:
    payable = base - part
    ratio = cut(payable / base, RATIO_PLACES) if base else Decimal(1)
    return Reduction(part, payable, ratio)
