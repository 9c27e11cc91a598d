"""State partner vouchers again, as `voucher.partner_voucher_granted` (decision 0007)."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.move_clock import business_now
from chassis.restatement import Restater
from contracts.event import Event
from voucher.partner_vouchers.facts import partner_voucher_granted
from voucher.partner_vouchers.models import PartnerVoucher


async def _count(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(PartnerVoucher)) or 0


async def _next(session: AsyncSession, after: str, limit: int) -> Sequence[Event]:
    """Each as it is now; no column says since when."""
    found = await session.execute(
        select(PartnerVoucher, business_now())
        .where(PartnerVoucher.id > after)
        .order_by(PartnerVoucher.id)
        .limit(limit)
    )
    return [partner_voucher_granted(voucher, now) for voucher, now in found]


PARTNER_VOUCHERS = Restater("partner voucher", _count, _next)
