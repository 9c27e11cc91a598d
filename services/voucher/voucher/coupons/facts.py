"""The state of a coupon as every event about it states it."""

from datetime import datetime
from typing import Any

from voucher.coupons.models import Coupon


def coupon_state(coupon: Coupon, now: datetime) -> dict[str, Any]:
    """The fields of `VoucherEvent` but for the quota's balance."""
    return {
        "occurred_at": now,
        "partner_id": coupon.partner_id,
        "distributor_id": coupon.distributor_id,
        "version": coupon.version,
        "coupon_id": coupon.id,
        "quota_id": coupon.quota_id,
        "customer_id": coupon.customer_id,
        "coupon_type": coupon.coupon_type,
        "status": coupon.status,
        "currency": coupon.currency,
        "face_value": coupon.face_value,
        "balance": coupon.balance,
        "reserved_amount": coupon.reserved_amount,
        "effective_at": coupon.effective_at,
        "expire_at": coupon.expire_at,
    }
