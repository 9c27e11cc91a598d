"""Orders that somebody is paying are left to their attempt."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from order.orders.models import OPEN, Order, PaymentAttempt


async def without_open_attempts(session: AsyncSession, orders: Sequence[Order]) -> list[Order]:
    """Those of the locked orders that nobody pays now.

    To be asked when the locks are held: the statement that took them saw the attempts as they were
    before it waited for a lock, and an attempt leaves the order's row as it is.
    """
    being_paid = set(
        await session.scalars(
            select(PaymentAttempt.order_id).where(
                PaymentAttempt.order_id.in_([order.order_id for order in orders]),
                PaymentAttempt.state == OPEN,
            )
        )
    )
    return [order for order in orders if order.order_id not in being_paid]
