"""A customer withdraws its request to its partner to pay an order."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.identity import Principal
from order.orders.facts import order_payment_declined
from order.requests.find_request import asked_order, check_not_being_paid
from order.requests.models import WITHDRAWN, PaymentRequest, RequestNotFoundError


async def withdraw_request(
    session: AsyncSession, principal: Principal, order_id: str, now: datetime
) -> None:
    """The order's last request ends, if it is open; the customer pays itself, or asks again.

    Raises:
        OrderNotFoundError, RequestNotFoundError: no such order of the caller, or nobody was asked.
        OrderNotPayableError, RequestEndedError, PaymentRunningError

    """
    order = await asked_order(session, principal, order_id)
    request = await session.scalar(
        select(PaymentRequest)
        .where(PaymentRequest.order_id == order.order_id)
        .order_by(PaymentRequest.request_id.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )
    if request is None:
        raise RequestNotFoundError
    request.check_open(order)
    await check_not_being_paid(session, order)
    request.end(WITHDRAWN, now)
    order.decline_request(now)
    audit.record(session, principal, "order.withdraw_request", order.order_id, now,
                 request_id=request.request_id)  # fmt: skip
    outbox.publish(session, order_payment_declined(order, now, request.request_id, WITHDRAWN))
