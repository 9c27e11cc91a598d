"""What the native API shows of stored value cards."""

from datetime import datetime

from voucher.coupons.card_status import card_status
from voucher.coupons.models import Coupon
from wire.native import Money, NativeAnswer


class CardAnswer(NativeAnswer):
    """A card as it is at the moment; the vendor gave it."""

    card_id: str
    card_name: str
    status: int  # 1 usable, 2 used up, 4 ended by time
    customer_id: str
    partner_id: str  # that its holder was with when it got the card
    currency: str
    face_value: Money
    balance: Money
    effective_at: datetime
    expire_at: datetime


def native_card(card: Coupon) -> CardAnswer:
    """The card."""
    return CardAnswer.of(
        card, card_id=card.id, card_name=card.name, status=card_status(card.status)
    )
