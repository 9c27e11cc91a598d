"""The status of a stored value card, which has two and an end (docs/domain/coupons.md H.19)."""

from voucher.coupons.models import EXPIRED, USABLE, USED

CARD_USABLE, CARD_USED, CARD_ENDED = 1, 2, 4
# As it is kept, like a coupon's → as it is told.
_TOLD = {USABLE: CARD_USABLE, USED: CARD_USED, EXPIRED: CARD_ENDED}
KEPT = {told: kept for kept, told in _TOLD.items()}


def card_status(kept: int) -> int:
    """1 usable, 2 used up, 4 ended."""
    return _TOLD[kept]
