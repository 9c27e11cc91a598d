"""Coupons whose time is over: status 4, and what is left goes back to the quota (type 4)."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.database import Database
from voucher.coupons.models import NOT_ACTIVATED, USABLE, Coupon
from voucher.coupons.return_to_quota import EXPIRY, lock_quotas, return_to_quota

EVERY_SECONDS = 15.0
PORTION_COUPONS = 200
PORTIONS_MAX = 50  # of one turn
_MAY_END = (Coupon.status.in_((NOT_ACTIVATED, USABLE)), Coupon.lock_order_id.is_(None))


async def expire_coupons(database: Database, now: datetime) -> None:
    """Schedule: in portions, each in a transaction of its own; replicas skip each other's rows."""
    for _ in range(PORTIONS_MAX):
        async with database.transaction() as session:
            if await expire_portion(session, now) < PORTION_COUPONS:
                return


async def next_expiry(session: AsyncSession) -> datetime | None:
    """When the next coupon that no order holds ends."""
    return await session.scalar(select(func.min(Coupon.expire_at)).where(*_MAY_END))


async def expire_portion(session: AsyncSession, now: datetime) -> int:
    """How many were expired. One that an order holds waits for the attempt's outcome."""
    found = await session.scalars(
        select(Coupon)
        .where(*_MAY_END, Coupon.expire_at <= now)
        .order_by(Coupon.expire_at)
        .limit(PORTION_COUPONS)
        .with_for_update(skip_locked=True)
    )
    coupons = list(found.all())
    quotas = await lock_quotas(session, coupons)
    for coupon in coupons:
        await return_to_quota(session, coupon, quotas, EXPIRY, now)
    return len(coupons)
