"""Cancel an order that waits for payment."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.identity import Principal
from contracts.order import OrderCancelled
from order.orders.facts import order_fact
from order.orders.find_order import customers_order
from order.orders.models import OPEN, OrderNotCancellableError, PaymentAttempt
from wire.types import Id, WireRequest


class CancelOrder(WireRequest, operation="cancel_customer_order"):
    """The body of cancel_customer_order."""

    order_id: Id


async def cancel_order(
    session: AsyncSession, principal: Principal, order_id: str, now: datetime
) -> None:
    """Cancel the customer's order; only in status 6, and not while a payment is under way."""
    order = await customers_order(session, principal, order_id, lock=True)
    running = select(PaymentAttempt.attempt_id).where(
        PaymentAttempt.order_id == order.order_id, PaymentAttempt.state == OPEN
    )
    if await session.scalar(running) is not None:
        raise OrderNotCancellableError("a payment is under way")
    order.cancel(now)
    audit.record(session, principal, "order.cancel", order.order_id, now)
    outbox.publish(session, order_fact(OrderCancelled, order, now))
