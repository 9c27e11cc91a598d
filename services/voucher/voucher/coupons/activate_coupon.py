"""The holder activates a coupon that the vendor issued without activation: 1 → 2."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.errors import NotFoundError
from chassis.identity import Principal
from voucher.coupons.coupon_notes import ACTIVATED, note_coupon
from voucher.coupons.facts import voucher_activated
from voucher.coupons.models import NOT_ACTIVATED, Coupon, CouponStateError
from voucher.coupons.native_answers import CouponAnswer, native_coupon


async def activate_coupon(
    session: AsyncSession, principal: Principal, coupon_id: str, now: datetime
) -> CouponAnswer:
    """Once; a partner activates what it holds itself, never its customers' coupons.

    Raises:
        NotFoundError: no coupon that the caller holds.
        CouponStateError: it is activated already, or has ended.

    """
    holder_id = principal.id if principal.is_customer else principal.partner_id
    coupon = await session.scalar(
        select(Coupon)
        .where(Coupon.id == coupon_id, Coupon.customer_id == holder_id)
        .with_for_update()
    )
    if coupon is None:
        raise NotFoundError
    if (status := coupon.status_at(now)) != NOT_ACTIVATED:
        raise CouponStateError(f"status {status}")
    coupon.activate()
    outbox.publish(session, voucher_activated(coupon, now))
    note_coupon(session, principal, coupon, ACTIVATED, now)
    audit.record(session, principal, "coupon.activate", coupon.id, now)
    return native_coupon(coupon, now)
