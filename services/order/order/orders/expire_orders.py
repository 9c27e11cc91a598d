"""End orders whose payment deadline has passed (docs/domain/orders.md B.5)."""

from datetime import datetime

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.database import Database
from contracts.order import OrderExpired
from order.orders.being_paid import without_open_attempts
from order.orders.facts import order_fact
from order.orders.models import OPEN, PENDING, Order, PaymentAttempt

PORTION_MAX = 100  # orders in one transaction
PORTIONS_MAX = 20  # a turn
_UNPAID = (
    Order.status == PENDING,
    ~exists().where(PaymentAttempt.order_id == Order.order_id, PaymentAttempt.state == OPEN),
)


async def expire_orders(database: Database, now: datetime) -> None:
    """Schedule: in bounded portions; an order being paid at its deadline is left to its attempt."""
    for _ in range(PORTIONS_MAX):
        if await _expire_portion(database, now) < PORTION_MAX:
            return


async def next_expiry(session: AsyncSession) -> datetime | None:
    """When the next order that is not being paid expires."""
    return await session.scalar(select(func.min(Order.pay_until)).where(*_UNPAID))


async def _expire_portion(database: Database, now: datetime) -> int:
    overdue = (
        select(Order)
        .where(*_UNPAID, Order.pay_until <= now)
        .order_by(Order.pay_until)
        .limit(PORTION_MAX)
        .with_for_update(of=Order, skip_locked=True)
    )
    async with database.transaction() as session:
        orders = (await session.scalars(overdue)).all()
        for order in await without_open_attempts(session, orders):
            order.expire(now)
            outbox.publish(session, order_fact(OrderExpired, order, now))
    return len(orders)
