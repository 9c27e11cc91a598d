"""What waits for review, confirmation or payment ends with the association.

See docs/domain/association.md B.3.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.database import Database
from chassis.outbox import publish
from contracts.order import OrderCancelled
from order.copies import ASSOCIATED, RESALE_TYPES, Customer
from order.orders.facts import order_fact
from order.orders.models import OPEN, WAITING, Order, PaymentAttempt

PORTION_MAX = 100  # orders in one transaction
PORTIONS_MAX = 20  # a turn


async def end_orders_of(session: AsyncSession, customer_id: str, now: datetime) -> None:
    """End the orders of a customer whose association has just ended or changed.

    The customer's copy is locked and says so already. At most a portion is ended; the schedule
    ends the others, and those that are being paid, when their attempt has failed.
    """
    _end(session, await _find(session, Order.customer_id == customer_id), now)


async def end_orphaned_orders(database: Database, now: datetime) -> None:
    """Schedule: the same for all customers, in bounded portions."""
    for _ in range(PORTIONS_MAX):
        async with database.transaction() as session:
            orders = await _find(session)
            _end(session, orders, now)
        if len(orders) < PORTION_MAX:
            return


async def _find(session: AsyncSession, *whose: ColumnElement[bool]) -> Sequence[Order]:
    being_paid = exists().where(
        PaymentAttempt.order_id == Order.order_id, PaymentAttempt.state == OPEN
    )
    ended = or_(
        Customer.partner_id != Order.partner_id,
        Customer.association_status != ASSOCIATED,
        Customer.association_type.not_in(RESALE_TYPES),
    )
    found = await session.scalars(
        select(Order)
        .join(Customer, Customer.customer_id == Order.customer_id)
        .where(WAITING, ended, ~being_paid, *whose)
        .order_by(Order.order_id)
        .limit(PORTION_MAX)
        .with_for_update(of=Order, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return found.all()


def _end(session: AsyncSession, orders: Sequence[Order], now: datetime) -> None:
    for order in orders:
        order.end_with_association(now)
        publish(session, order_fact(OrderCancelled, order, now))
