"""State coupons again, as `voucher.issued` whatever became of them: it is only copied.

Cards are stated as `voucher.card_given`.

See decision 0007.

The quota's balance stays unsaid: nothing moved it.
"""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.move_clock import business_now
from chassis.restatement import Restater
from contracts.event import Event
from voucher.coupons.facts import card_given, voucher_issued
from voucher.coupons.models import Coupon


async def _count(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(Coupon)) or 0


async def _next(session: AsyncSession, after: str, limit: int) -> Sequence[Event]:
    """Each as it is now; no column says since when."""
    found = await session.execute(
        select(Coupon, business_now()).where(Coupon.id > after).order_by(Coupon.id).limit(limit)
    )
    return [
        card_given(coupon, now) if coupon.is_card else voucher_issued(coupon, now, None)
        for coupon, now in found
    ]


COUPONS = Restater("coupon", _count, _next)
