"""State discounts again, as `billing.discount_granted` (decision 0007)."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.discounts.facts import discount_fact
from billing.discounts.models import Discount
from chassis.restatement import Restater
from contracts.billing import BillingDiscountGranted
from contracts.event import Event


async def _count(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(Discount)) or 0


async def _next(session: AsyncSession, after: str, limit: int) -> Sequence[Event]:
    found = await session.scalars(
        select(Discount)
        .where(Discount.discount_id > after)
        .order_by(Discount.discount_id)
        .limit(limit)
    )
    return [discount_fact(BillingDiscountGranted, one, one.updated_at) for one in found]


DISCOUNTS = Restater("discount", _count, _next)
