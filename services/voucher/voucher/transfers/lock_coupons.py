"""The coupons of a transfer, locked, and whether they may move."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from voucher.coupons.models import USABLE, Coupon
from voucher.quotas.models import CASH
from voucher.transfers.models import TransferFailedError


async def lock_coupon(session: AsyncSession, coupon_id: str, holder_id: str) -> Coupon | None:
    """The holder's coupon as it is now; None: it is nobody's, or another's."""
    found: Coupon | None = await session.scalar(
        select(Coupon)
        .where(Coupon.id == coupon_id, Coupon.customer_id == holder_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return found


async def lock_both(
    session: AsyncSession, coupon_id: str, sub_coupon_id: str
) -> tuple[Coupon | None, Coupon | None]:
    """A coupon and its sub-coupon, locked by id as everywhere."""
    rows = await session.scalars(
        select(Coupon)
        .where(Coupon.id.in_([coupon_id, sub_coupon_id]))
        .order_by(Coupon.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found = {coupon.id: coupon for coupon in rows}
    return found.get(coupon_id), found.get(sub_coupon_id)


def refuse_unless_movable(coupon: Coupon, now: datetime) -> None:
    """Raise TransferFailedError unless it is a free cash coupon of the vendor's own, in force."""
    if not coupon.is_vendors or coupon.coupon_type != CASH:
        raise TransferFailedError("no cash coupon of the vendor's own")
    if coupon.status_at(now) != USABLE or coupon.effective_at > now:
        raise TransferFailedError(f"status {coupon.status_at(now)}")
    if coupon.is_frozen or coupon.lock_order_id is not None or coupon.recall_due is not None:
        raise TransferFailedError("frozen, or held by an order")
