"""How an order's coupon amounts are shared out over its lines."""

from collections.abc import Sequence
from decimal import Decimal

CENT = Decimal("0.01")


def apportion(total: Decimal, room: Sequence[Decimal]) -> list[Decimal]:
    """Shares of `total` in proportion to `room`, to the cent, none above its room.

    The cents that cutting leaves go to the largest remainders, the first of equals: billing spreads
    a payment over its bill lines in the same way, so that both agree. `total` must not exceed the
    sum of `room`; all have 2 decimals.
    """
    cents, weights = int(total / CENT), [int(part / CENT) for part in room]
    whole = sum(weights)
    if cents == 0:
        return [Decimal("0.00") for _ in room]
    shares = [cents * weight // whole for weight in weights]
    remainders = [cents * weight % whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda index: -remainders[index])
    for index in by_remainder[: cents - sum(shares)]:
        shares[index] += 1
    return [share * CENT for share in shares]
