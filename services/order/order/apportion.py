"""How an order's coupon amounts are shared out over its lines."""

from collections.abc import Sequence
from decimal import Decimal

from wire.money import cut

CENT = Decimal("0.01")


def apportion(total: Decimal, room: Sequence[Decimal]) -> list[Decimal]:
    """Shares of `total` in proportion to `room`, cut to 2 decimals, none above its room.

    The cents that cutting leaves go to the first lines with room left, so that the shares add up
    to `total`, which must not exceed the sum of `room`.
    """
    whole = sum(room, Decimal(0))
    if whole == 0:
        return [Decimal("0.00") for _ in room]
    shares = [cut(total * part / whole, 2) for part in room]
    left = total - sum(shares)
    for index, part in enumerate(room):
        more = min(part - shares[index], CENT, left)
        shares[index] += more
        left -= more
    return shares
