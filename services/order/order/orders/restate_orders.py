"""State orders again, so that others can rebuild their copies (decision 0007).

As `order.created`, whatever became of them: that one is only copied. The other contracts settle
attempts, money and coupons.
"""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.restatement import Restater
from contracts.event import Event
from contracts.order import OrderCreated
from order.orders.facts import order_fact
from order.orders.models import Order


async def _count(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(Order)) or 0


async def _next(session: AsyncSession, after: str, limit: int) -> Sequence[Event]:
    found = await session.scalars(
        select(Order).where(Order.order_id > after).order_by(Order.order_id).limit(limit)
    )
    return [order_fact(OrderCreated, order, order.updated_at, is_news=False) for order in found]


ORDERS = Restater("order", _count, _next)
