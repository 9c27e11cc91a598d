"""How what was paid for an order is spread over its lines, exact to the cent."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

CENT = Decimal("0.01")


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
    owed = [_cents(payable) for payable in payables]
    kinds = []
    for amount in (paid.discount_coupon, paid.coupon, paid.flexi, paid.cash, paid.credit):
        parts = _share(_cents(amount), owed)
        owed = [left - part for left, part in zip(owed, parts, strict=True)]
        kinds.append([part * CENT for part in parts])
    if any(owed):
        raise ValueError(f"{sum(owed) * CENT} of the payable is not paid")
    return [Payment(*parts) for parts in zip(*kinds, strict=True)]


def _cents(amount: Decimal) -> int:
    cents = amount / CENT
    if cents != int(cents) or cents < 0:
        raise ValueError(f"{amount} is no amount of 2 decimals")
    return int(cents)


def _share(total: int, weights: Sequence[int]) -> list[int]:
    """Cut shares in proportion, the cents left over to the largest remainders, the first of equals.

    No share is above its weight, as long as the total is not above their sum.
    """
    whole = sum(weights)
    if total > whole:
        raise ValueError(f"{total} cents are more than the {whole} payable")
    if total == 0:
        return [0 for _ in weights]
    shares = [total * weight // whole for weight in weights]
    remainders = [total * weight % whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda index: -remainders[index])
    for index in by_remainder[: total - sum(shares)]:
        shares[index] += 1
    return shares
