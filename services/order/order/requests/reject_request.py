"""A partner does not pay an order that it was asked to pay."""

from datetime import datetime
from typing import Annotated

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.identity import Principal
from order.orders.facts import order_payment_declined
from order.orders.find_order import hold_association
from order.requests.find_request import customer_of, hold_open_request
from order.requests.models import REJECTED, PaymentRequest
from wire.types import WireRequest

REASON_CHARACTERS_MAX = 500


class RejectRequest(WireRequest):
    """Why; the customer reads it."""

    reason: Annotated[str, Field(min_length=1, max_length=REASON_CHARACTERS_MAX)]


async def reject_request(
    session: AsyncSession,
    principal: Principal,
    request_id: str,
    rejection: RejectRequest,
    now: datetime,
) -> PaymentRequest:
    """The request ends; the customer may pay itself, or ask again.

    Raises:
        RequestNotFoundError, OrderNotPayableError, RequestEndedError, PaymentRunningError

    """
    await hold_association(session, customer_of(request_id))
    request, order = await hold_open_request(session, principal, request_id)
    request.end(REJECTED, now, rejection.reason)
    order.decline_request(now)
    audit.record(session, principal, "order.reject_request", order.order_id, now,
                 request_id=request_id, reason=rejection.reason)  # fmt: skip
    declined = order_payment_declined(order, now, request_id, REJECTED, rejection.reason)
    outbox.publish(session, declined)
    return request
