"""What waits for review, confirmation or payment ends with the association.

Not what gives something back: that goes to whoever paid (decision 0103).

See docs/domain/association.md B.3.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.business_clock import LONG_AGO
from chassis.database import Database
from contracts.order import OrderCancelled
from order.copies import ASSOCIATED, Customer
from order.orders.being_paid import without_open_attempts
from order.orders.facts import order_fact
from order.orders.models import GIVING_BACK, OPEN, WAITING, Order, PaymentAttempt
from wire.vocabulary import RESALE_TYPES

PORTION_MAX = 100  # orders in one transaction
PORTIONS_MAX = 20  # a turn


async def end_orders_of(session: AsyncSession, customer_id: str, now: datetime) -> None:
    """End the orders of a customer whose association has just ended or changed.

    The customer's copy is locked and says so already. At most a portion is ended; the schedule
    ends the others, and those that are being paid, when their attempt has failed.
    """
    await _end(session, await _find(session, Order.customer_id == customer_id), now)


async def end_orphaned_orders(database: Database, now: datetime) -> None:
    """Schedule: the same for all customers, in bounded portions."""
    for _ in range(PORTIONS_MAX):
        async with database.transaction() as session:
            orders = await _find(session)
            await _end(session, orders, now)
        if len(orders) < PORTION_MAX:
            return


async def orphans_due(session: AsyncSession) -> datetime | None:
    """Since long ago, if there are any: what ends them is an event and no instant."""
    return LONG_AGO if await session.scalar(_orphans().limit(1)) is not None else None


async def _find(session: AsyncSession, *whose: ColumnElement[bool]) -> Sequence[Order]:
    found = await session.scalars(
        _orphans(*whose)
        .order_by(Order.order_id)
        .limit(PORTION_MAX)
        .with_for_update(of=Order, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return found.all()


def _orphans(*whose: ColumnElement[bool]) -> Select[Order]:
    being_paid = exists().where(
        PaymentAttempt.order_id == Order.order_id, PaymentAttempt.state == OPEN
    )
    ended = or_(
        Customer.partner_id != Order.partner_id,
        Customer.association_status != ASSOCIATED,
        Customer.association_type.not_in(RESALE_TYPES),
    )
    return (
        select(Order)
        .join(Customer, Customer.customer_id == Order.customer_id)
        .where(WAITING, Order.order_type.not_in(GIVING_BACK), ended, ~being_paid, *whose)
    )


async def _end(session: AsyncSession, orders: Sequence[Order], now: datetime) -> None:
    for order in await without_open_attempts(session, orders):
        order.end_with_association(now)
        outbox.publish(session, order_fact(OrderCancelled, order, now))
