"""The arithmetic of prices: exact until the end, then cut, never rounded.

See docs/domain/bills.md B.8, docs/domain/money-and-time.md E.
"""

from dataclasses import dataclass
from decimal import Context, Decimal, localcontext

from wire.money import cut

PRICE_PLACES, FEE_PLACES, ACCOUNT_PLACES = 10, 8, 2
_EXACT = Context(prec=60)


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used: `value × numerator / denominator` priced units, of `size`, `count` times."""

    value: Decimal
    numerator: int = 1
    denominator: int = 1
    size: Decimal = Decimal(1)
    count: int = 1


@dataclass(frozen=True, slots=True)
class Fee:
    """official = discount + erased + payable; payable has 2 decimals, the others up to 8."""

    official: Decimal
    discount: Decimal
    erased: Decimal
    payable: Decimal


def list_fee(price: Decimal, usage: Usage, places: int) -> Decimal:
    """The list price of a usage; the division comes last, so that only the end is cut."""
    with localcontext(_EXACT):
        dividend = price * usage.value * usage.numerator * usage.size * usage.count
        return cut(dividend / usage.denominator, places)


def rate_usage(price: Decimal, ratio: Decimal, usage: Usage) -> Fee:
    """The fee at 8 decimals, of which the account pays 2; the rest is truncation (抹零)."""
    official = list_fee(price, usage, FEE_PLACES)
    net = discounted(official, ratio, FEE_PLACES)
    payable = cut(net, ACCOUNT_PLACES)
    return Fee(official, official - net, net - payable, payable)


def discounted(official: Decimal, ratio: Decimal, places: int) -> Decimal:
    """What is payable of a list price."""
    with localcontext(_EXACT):
        return cut(official * ratio, places)
