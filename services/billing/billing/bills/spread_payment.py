"""How what was paid for an order is spread over its lines, exact to the cent."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from wire.money import share


@dataclass(frozen=True, slots=True)
class Payment:
    """What pays an order, or one line of it; 2 decimals each."""

    discount_coupon: Decimal
    coupon: Decimal
    flexi: Decimal
    cash: Decimal
    credit: Decimal


def spread_payment(paid: Payment, payables: Sequence[Decimal]) -> list[Payment]:
    """Each line's part of each means of payment.

    For every means the parts add up to what was paid by it, and for every line to its payable.
    Proportional, kind after kind over what the lines still owe, in the charge order of
    docs/domain/accounts.md B.10. Nothing depends on anything but the arguments: asked again, the
    answer is the same.

    Raises:
        ValueError: what was paid is not what was payable.

    """
    owed = list(payables)
    kinds = []
    for amount in (paid.discount_coupon, paid.coupon, paid.flexi, paid.cash, paid.credit):
        parts = share(amount, owed)
        owed = [left - part for left, part in zip(owed, parts, strict=True)]
        kinds.append(parts)
    if any(owed):
        raise ValueError(f"{sum(owed)} of the payable is not paid")
    return [Payment(*parts) for parts in zip(*kinds, strict=True)]
