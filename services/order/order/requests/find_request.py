"""Who may ask whom to pay, and how an open request is found for a decision."""

from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import copies
from chassis.identity import Principal
from order.copies import ASSOCIATED, Customer, Partner
from order.orders.find_order import OrderInvalidError, OrderNotFoundError, customers_order
from order.orders.models import OPEN, Order, OrderNotPayableError, PaymentAttempt
from order.payments.pay_order import PaymentRunningError
from order.requests.models import MayNotAskError, PaymentRequest, RequestNotFoundError
from wire.vocabulary import RESALE_TYPES, AssociationType

# docs/domain/orders.md H.12: whose orders a partner of each kind may be asked to pay.
ASKABLE = {
    "solution_provider": RESALE_TYPES | {AssociationType.REFERRAL},
    "reseller": RESALE_TYPES,
}


async def check_may_ask(session: AsyncSession, customer: Customer | None, order: Order) -> None:
    """Refuse unless the order's partner is the customer's, of a kind that pays for it.

    Raises:
        OrderNotPayableError: the customer is another partner's by now.
        MayNotAskError: such a customer pays itself, or its enterprise master does.

    """
    if (
        customer is None
        or customer.partner_id != order.partner_id
        or customer.association_status != ASSOCIATED
    ):
        raise OrderNotPayableError("the association with the partner has ended")
    if customer.paying_master_id is not None:
        raise MayNotAskError("the enterprise master pays for this account")
    partner = await copies.find(session, Partner, order.partner_id)
    if partner is None or customer.association_type not in ASKABLE.get(partner.kind, ()):
        raise MayNotAskError("a partner of this kind does not pay for this customer")


async def asked_order(session: AsyncSession, principal: Principal, order_id: str) -> Order:
    """The customer's own order, locked; unknown and foreign ones alike are not found."""
    try:
        return await customers_order(session, principal, order_id, lock=True)
    except OrderInvalidError:
        raise OrderNotFoundError from None


def seen_requests(principal: Principal) -> ColumnElement[bool]:
    """A customer's own, and a partner's while the customer is its own."""
    if principal.is_administrator:
        return true()
    if principal.is_customer:
        return and_(
            PaymentRequest.customer_id == principal.id,
            PaymentRequest.partner_id == principal.partner_id,
        )
    own: ColumnElement[bool] = PaymentRequest.partner_id == principal.partner_id
    if principal.kind == "distributor":
        own = or_(own, PaymentRequest.distributor_id == principal.id)
    return and_(own, _of_associated())


def _of_associated() -> ColumnElement[bool]:
    return exists().where(
        Customer.customer_id == PaymentRequest.customer_id,
        Customer.partner_id == PaymentRequest.partner_id,
        Customer.association_status == ASSOCIATED,
    )


def customer_of(request_id: str) -> Any:
    """The customer that asked, for any caller, as part of a query."""
    named = select(PaymentRequest.customer_id).where(PaymentRequest.request_id == request_id)
    return named.scalar_subquery()


async def hold_open_request(
    session: AsyncSession, principal: Principal, request_id: str
) -> tuple[PaymentRequest, Order]:
    """The request that the partner itself was sent, open and locked with its order.

    The customer's association is locked by the caller, before it.

    Raises:
        RequestNotFoundError: nobody asked the caller that.
        OrderNotPayableError, RequestEndedError: as of `PaymentRequest.check_open`.
        PaymentRunningError: a payment of the order is under way.

    """
    order = await session.scalar(
        select(Order)
        .join(PaymentRequest, PaymentRequest.order_id == Order.order_id)
        .where(
            PaymentRequest.request_id == request_id,
            PaymentRequest.partner_id == principal.id,
            _of_associated(),
        )
        .with_for_update(of=Order)
    )
    if order is None:
        raise RequestNotFoundError
    request = await session.get_one(PaymentRequest, request_id, populate_existing=True)
    request.check_open(order)
    await check_not_being_paid(session, order)
    return request, order


async def check_not_being_paid(session: AsyncSession, order: Order) -> None:
    """Refuse while an attempt to pay the locked order is open: its outcome decides.

    Raises:
        PaymentRunningError: there is one.

    """
    running = select(PaymentAttempt.attempt_id).where(
        PaymentAttempt.order_id == order.order_id, PaymentAttempt.state == OPEN
    )
    if await session.scalar(running) is not None:
        raise PaymentRunningError
