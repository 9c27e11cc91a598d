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
    card: Decimal
    cash: Decimal
    credit: Decimal

    @property
    def amount(self) -> Decimal:
        """All of it."""
        by_coupons = self.discount_coupon + self.coupon + self.flexi + self.card
        return by_coupons + self.cash + self.credit


def sum_payments(parts: Sequence[Payment]) -> Payment:
    """The parts of each means together."""
    zero = Decimal("0.00")
    return Payment(
        discount_coupon=sum((part.discount_coupon for part in parts), zero),
        coupon=sum((part.coupon for part in parts), zero),
        flexi=sum((part.flexi for part in parts), zero),
        card=sum((part.card for part in parts), zero),
        cash=sum((part.cash for part in parts), zero),
        credit=sum((part.credit for part in parts), zero),
    )


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
    for amount in (
        paid.discount_coupon, paid.coupon, paid.flexi, paid.card, paid.cash, paid.credit,
    ):  # fmt: skip
        parts = share(amount, owed)
        owed = [left - part for left, part in zip(owed, parts, strict=True)]
        kinds.append(parts)
    if any(owed):
        raise ValueError(f"{sum(owed)} of the payable is not paid")
    return [Payment(*parts) for parts in zip(*kinds, strict=True)]
