"""What the native API shows of coupons."""

from datetime import datetime

from voucher.coupons.models import Coupon
from wire.native import Money, NativeAnswer
from wire.types import DecimalText


class CouponAnswer(NativeAnswer):
    """A coupon as it is at the moment.

    `customer_id` is its holder; of the vendor's own coupons also a partner.
    """

    coupon_id: str
    quota_id: str | None
    coupon_type: int  # 1 cash, 2 discount, 3 product, 4 flexi
    group: int  # 0 Huawei cloud services, 1 marketplace, 2 dedicated, 3 hardware
    # What the vendor issued it for itself: "test" | "commercial" | "activity"; null: a partner did
    origin: str | None
    status: int  # 1 not activated, 2 usable, 3 used, 4 expired, 5 reclaimed
    is_frozen: bool
    customer_id: str
    partner_id: str
    currency: str
    face_value: Money
    discount_ratio: DecimalText | None  # of a discount coupon: how much of the price is payable
    balance: Money
    effective_at: datetime
    expire_at: datetime


def native_coupon(coupon: Coupon, now: datetime) -> CouponAnswer:
    """The coupon."""
    return CouponAnswer.of(
        coupon, coupon_id=coupon.id, group=coupon.coupon_group, status=coupon.status_at(now)
    )
