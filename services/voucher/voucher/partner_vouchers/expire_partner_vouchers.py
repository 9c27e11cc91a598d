"""Partner vouchers whose time is over: status 4.

What is left stays: the lines of before are settled later, and it pays for them (decision 0111).
"""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.database import Database
from voucher.partner_vouchers.facts import partner_voucher_expired
from voucher.partner_vouchers.models import USABLE, PartnerVoucher

EVERY_SECONDS = 15.0
PORTION_VOUCHERS = 200
PORTIONS_MAX = 50  # of one turn


async def expire_partner_vouchers(database: Database, now: datetime) -> None:
    """Schedule: in portions, each in a transaction of its own; replicas skip each other's rows."""
    for _ in range(PORTIONS_MAX):
        async with database.transaction() as session:
            if await expire_portion(session, now) < PORTION_VOUCHERS:
                return


async def next_voucher_expiry(session: AsyncSession) -> datetime | None:
    """When the next usable voucher ends."""
    ending = select(func.min(PartnerVoucher.expire_at)).where(PartnerVoucher.status == USABLE)
    return await session.scalar(ending)


async def expire_portion(session: AsyncSession, now: datetime) -> int:
    """How many were expired."""
    found = await session.scalars(
        select(PartnerVoucher)
        .where(PartnerVoucher.status == USABLE, PartnerVoucher.expire_at <= now)
        .order_by(PartnerVoucher.expire_at)
        .limit(PORTION_VOUCHERS)
        .with_for_update(skip_locked=True)
    )
    vouchers = list(found)
    for voucher in vouchers:
        voucher.expire(now)
        outbox.publish(session, partner_voucher_expired(voucher, now))
    return len(vouchers)
