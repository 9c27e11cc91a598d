"""A customer asks its partner to pay an order (docs/domain/orders.md H.12)."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.identity import Principal
from chassis.ids import new_id
from contracts.order import OrderPaymentRequested
from order.authorizations import hold_authorization, require_authorization
from order.orders.facts import order_fact
from order.orders.find_order import CustomerFrozenError, hold_owner
from order.requests.find_request import asked_order, check_may_ask, check_not_being_paid
from order.requests.models import REQUESTED, AlreadyRequestedError, PaymentRequest


async def request_payment(
    session: AsyncSession, principal: Principal, order_id: str, now: datetime
) -> PaymentRequest:
    """Ask; the order waits as before, and nothing is reserved.

    Raises:
        OrderNotFoundError: the caller has no such order.
        OrderNotPayableError, OrderOverdueError: it does not wait for payment.
        CustomerFrozenError, MayNotAskError, AlreadyRequestedError, PaymentRunningError

    """
    customer = await hold_owner(session, order_id)
    order = await asked_order(session, principal, order_id)
    order.check_payable(now)
    await check_may_ask(session, customer, order)
    assert customer is not None
    if principal.acting_for_partner is not None:
        await require_authorization(session, customer)
        await hold_authorization(session, customer)
    if customer.is_frozen:
        raise CustomerFrozenError("the customer is frozen")
    opened = select(PaymentRequest.request_id).where(
        PaymentRequest.order_id == order.order_id, PaymentRequest.status == REQUESTED
    )
    if await session.scalar(opened) is not None:
        raise AlreadyRequestedError("the partner has been asked already")
    await check_not_being_paid(session, order)
    request = PaymentRequest(
        request_id=new_id(),
        order_id=order.order_id,
        customer_id=order.customer_id,
        partner_id=order.partner_id,
        distributor_id=order.distributor_id,
        currency=order.currency,
        amount=order.amount_after_discount,
        status=REQUESTED,
        requested_at=now,
    )
    session.add(request)
    order.ask_partner(request.request_id, now)
    audit.record(session, principal, "order.ask_partner", order.order_id, now,
                 request_id=request.request_id, amount=str(request.amount))  # fmt: skip
    outbox.publish(session, order_fact(OrderPaymentRequested, order, now))
    return request
