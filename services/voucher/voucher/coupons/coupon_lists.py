"""What the lists of coupons share: status at an instant, sight of ended ones, a counted page."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, or_, select

from voucher.coupons.models import EXPIRED, NOT_ACTIVATED, RECLAIMED, USABLE, Coupon, Reservation
from voucher.quotas.limit_words import wire_pairs
from voucher.quotas.limits import QuotaLimits
from voucher.quotas.models import CARD

ENDED_VISIBLE_DAYS = 365  # used, expired and reclaimed ones (docs/domain/coupons.md B.7: 12 months)
ELECTRONIC, ISSUED_ONLINE = 1, 3  # media type, fetch method


def status_at(now: datetime) -> ColumnElement[int]:
    """Expired on the second, even where the schedule has not come by yet."""
    active = Coupon.status.in_((NOT_ACTIVATED, USABLE))
    return case((active & (Coupon.expire_at <= now), EXPIRED), else_=Coupon.status)


def issuer() -> ColumnElement[str]:
    """The partner that issued it; NULL: the vendor did."""
    return case((Coupon.quota_id.is_not(None), Coupon.partner_id))


def shown_to_holder() -> ColumnElement[bool]:
    """All but what a partner took back (docs/domain/coupons.md H.17)."""
    return or_(Coupon.status != RECLAIMED, Coupon.quota_id.is_(None))


def is_no_card() -> ColumnElement[bool]:
    """Stored value cards have a list of their own."""
    return Coupon.coupon_type != CARD


def not_long_ended(now: datetime) -> ColumnElement[bool]:
    """In force, or ended within twelve months."""
    since = now - timedelta(days=ENDED_VISIBLE_DAYS)
    return or_(Coupon.ended_at.is_(None), Coupon.ended_at > since) & (Coupon.expire_at > since)


def paying_for(order_id: str) -> ColumnElement[bool]:
    """Coupons that pay, or paid, for the order."""
    held = Coupon.lock_order_id == order_id
    used = select(Reservation.coupon_id).where(
        Reservation.order_id == order_id, Reservation.coupon_id == Coupon.id
    )
    return or_(held, Coupon.last_used_at.is_not(None) & used.exists())


def use_limits(kept: dict[str, Any], coupon_id: str) -> list[dict[str, str]]:
    """A coupon's limits by the vendor's keys (docs/domain/coupons.md B.7)."""
    pairs = wire_pairs(QuotaLimits.model_validate(kept))
    return [
        {"use_limiti_info_id": f"{coupon_id}-{key}", "limit_key": key, "value1": value}
        for key, value in pairs
    ]
