"""The administrator freezes a coupon, so that no order may take it, and frees it again.

What an order holds already stays held: only the attempt's outcome ends that (decision 0010).
"""

from datetime import datetime

from pydantic import ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.errors import NotFoundError
from chassis.identity import Principal
from voucher.coupons.coupon_notes import FROZEN, UNFROZEN, note_coupon
from voucher.coupons.facts import voucher_frozen, voucher_unfrozen
from voucher.coupons.models import NOT_ACTIVATED, USABLE, Coupon, CouponStateError
from voucher.coupons.native_answers import CouponAnswer, native_coupon
from wire.types import WireRequest

REASON_CHARACTERS_MAX = 256


class FreezeCoupon(WireRequest):
    """The body of `POST /api/coupons/{id}/freezing`, `/unfreezing`."""

    model_config = ConfigDict(extra="forbid")

    reason: str | None = Field(default=None, min_length=1, max_length=REASON_CHARACTERS_MAX)


async def freeze_coupon(
    session: AsyncSession, principal: Principal, coupon_id: str, wanted: FreezeCoupon, now: datetime
) -> CouponAnswer:
    """Freeze it and state it.

    Raises:
        NotFoundError: no such coupon.
        CouponStateError: it has ended, or is frozen already.

    """
    coupon = await _change(session, coupon_id, now, is_frozen=True)
    outbox.publish(session, voucher_frozen(coupon, now))
    note_coupon(session, principal, coupon, FROZEN, now)
    audit.record(session, principal, "coupon.freeze", coupon.id, now, reason=wanted.reason)
    return native_coupon(coupon, now)


async def unfreeze_coupon(
    session: AsyncSession, principal: Principal, coupon_id: str, wanted: FreezeCoupon, now: datetime
) -> CouponAnswer:
    """Free it again and state it.

    Raises:
        NotFoundError: no such coupon.
        CouponStateError: it has ended, or is not frozen.

    """
    coupon = await _change(session, coupon_id, now, is_frozen=False)
    outbox.publish(session, voucher_unfrozen(coupon, now))
    note_coupon(session, principal, coupon, UNFROZEN, now)
    audit.record(session, principal, "coupon.unfreeze", coupon.id, now, reason=wanted.reason)
    return native_coupon(coupon, now)


async def _change(
    session: AsyncSession, coupon_id: str, now: datetime, *, is_frozen: bool
) -> Coupon:
    coupon = await session.get(Coupon, coupon_id, with_for_update=True, populate_existing=True)
    if coupon is None or coupon.is_card:
        raise NotFoundError
    if (status := coupon.status_at(now)) not in (NOT_ACTIVATED, USABLE):
        raise CouponStateError(f"status {status}")
    if coupon.is_frozen == is_frozen:
        raise CouponStateError("frozen already" if is_frozen else "not frozen")
    coupon.is_frozen = is_frozen
    coupon.version += 1
    return coupon
