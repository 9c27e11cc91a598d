"""End orders whose payment deadline has passed (docs/domain/orders.md B.5)."""

from datetime import datetime

from sqlalchemy import exists, select

from chassis.database import Database
from chassis.outbox import publish
from contracts.order import OrderExpired
from order.orders.facts import order_fact
from order.orders.models import OPEN, PENDING, Order, PaymentAttempt

PORTION_MAX = 100  # orders in one transaction
PORTIONS_MAX = 20  # a turn


async def expire_orders(database: Database, now: datetime) -> None:
    """Schedule: in bounded portions; an order being paid at its deadline is left to its attempt."""
    for _ in range(PORTIONS_MAX):
        if await _expire_portion(database, now) < PORTION_MAX:
            return


async def _expire_portion(database: Database, now: datetime) -> int:
    being_paid = exists().where(
        PaymentAttempt.order_id == Order.order_id, PaymentAttempt.state == OPEN
    )
    overdue = (
        select(Order)
        .where(Order.status == PENDING, Order.pay_until <= now, ~being_paid)
        .order_by(Order.pay_until)
        .limit(PORTION_MAX)
        .with_for_update(of=Order, skip_locked=True)
    )
    async with database.transaction() as session:
        orders = (await session.scalars(overdue)).all()
        for order in orders:
            order.expire(now)
            publish(session, order_fact(OrderExpired, order, now))
    return len(orders)
