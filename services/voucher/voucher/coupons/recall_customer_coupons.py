"""The end of an association, or a switch of its type, takes the partner's coupons back (F15.10)."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from voucher.coupons.coupon_lists import is_no_card
from voucher.coupons.models import NOT_ACTIVATED, USABLE, Coupon
from voucher.coupons.return_to_quota import lock_quotas, return_to_quota


async def recall_customer_coupons(
    session: AsyncSession, customer_id: str, partner_id: str, operation_type: int, now: datetime
) -> None:
    """Recall what is left of every coupon; one that an order holds follows when it lets go."""
    found = await session.scalars(
        select(Coupon)
        .where(
            Coupon.customer_id == customer_id,
            Coupon.partner_id == partner_id,
            Coupon.status.in_((NOT_ACTIVATED, USABLE)),
            is_no_card(),  # it stays its holder's, whoever is the partner
        )
        .order_by(Coupon.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    coupons = found.all()
    free = [coupon for coupon in coupons if coupon.lock_order_id is None]
    quotas = await lock_quotas(session, free)
    for coupon in coupons:
        if coupon.lock_order_id is None:
            await return_to_quota(session, coupon, quotas, operation_type, now)
        else:
            coupon.recall_due = coupon.recall_due or operation_type  # the first reason stays
