"""The arithmetic of prices: exact until the end, then cut, never rounded.

See docs/domain/bills.md B.8, docs/domain/money-and-time.md E.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext

from billing.prices.products import Tier
from wire.money import cut

PRICE_PLACES, FEE_PLACES, ACCOUNT_PLACES = 10, 8, 2
ZERO = Decimal(0)
EXACT = Context(prec=100)  # digits; nothing of a fee is lost before its end is cut


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used: `value × numerator / denominator` priced units, of `size`, `count` times."""

    value: Decimal
    numerator: int = 1
    denominator: int = 1
    size: Decimal = Decimal(1)
    count: int = 1

    @property
    def dividend(self) -> Decimal:
        """What is left to be divided by the denominator, exactly."""
        times = EXACT.multiply
        return times(times(times(self.value, self.numerator), self.size), self.count)


@dataclass(frozen=True, slots=True)
class Fee:
    """official = discount + erased + payable; payable has 2 decimals, the others up to 8."""

    official: Decimal
    discount: Decimal
    erased: Decimal
    payable: Decimal


def list_fee(price: Decimal, usage: Usage, places: int) -> Decimal:
    """The list price of a usage; the division comes last, so that only the end is cut."""
    whole = EXACT.multiply(price, usage.dividend)
    return cut(EXACT.divide(whole, usage.denominator), places)


def tiered_fee(tiers: Sequence[Tier], usage: Usage, places: int, before: Decimal = ZERO) -> Decimal:
    """The list price of a usage that begins where `before` units were used: each tier's part of it.

    Reckoned in the denominator's parts of a unit, so that only the end is cut.
    """
    if len(tiers) == 1:
        return list_fee(tiers[0].hour, usage, places)
    with localcontext(EXACT):
        begin = before * usage.denominator
        end = begin + usage.dividend
        whole = ZERO
        for place, tier in enumerate(tiers):
            low = max(begin, tier.above * usage.denominator)
            more = tiers[place + 1 :]
            high = min(end, more[0].above * usage.denominator) if more else end
            whole += max(high - low, ZERO) * tier.hour
        return cut(whole / usage.denominator, places)


def rate_usage(
    tiers: Sequence[Tier],
    ratio: Decimal,
    usage: Usage,
    before: Decimal = ZERO,
    places: int = FEE_PLACES,
) -> Fee:
    """The fee at 8 decimals, or an inquiry's, of which the account pays 2.

    The rest is truncation (抹零).
    """
    official = tiered_fee(tiers, usage, places, before)
    net = discounted(official, ratio, places)
    payable = cut(net, ACCOUNT_PLACES)
    return Fee(official, official - net, net - payable, payable)


def discounted(official: Decimal, ratio: Decimal, places: int) -> Decimal:
    """What is payable of a list price."""
    return cut(EXACT.multiply(official, ratio), places)
