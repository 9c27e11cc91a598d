"""A partner pays an order that its customer asked it to pay (docs/domain/orders.md H.12).

By the attempt protocol (decision 0009), with the partner's money and without coupons.
"""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.crash import crash_point
from chassis.database import Database
from chassis.errors import OutsideError, RefusedError
from chassis.identity import Principal
from chassis.ids import new_id
from order.copies import ASSOCIATED
from order.orders.find_order import CustomerFrozenError, hold_association, hold_owner
from order.orders.models import (
    OPEN,
    AttemptClosedError,
    Order,
    OrderNotPayableError,
    PaymentAttempt,
)
from order.payments.close_attempts import fail_attempt
from order.payments.pay_order import (
    ASSOCIATION_ENDED,
    UNFORESEEN,
    earlier_attempts,
    settle_attempt,
)
from order.peers import HeldMoney, Peers
from order.requests.find_request import check_may_ask, customer_of, hold_open_request
from order.requests.models import PAID, PaymentRequest, PriceChangedError
from order.sandbox.rehearse_refusal import rehearse_refusal


async def pay_request(
    database: Database,
    settling: AsyncSession,
    peers: Peers,
    principal: Principal,
    request_id: str,
    now: datetime,
    *,
    sandbox: bool = False,
) -> tuple[PaymentRequest, datetime]:
    """Pay; the request, and when the order's resources are due.

    `settling` is the transaction in which the outcome is written; it has no lock yet.

    Raises:
        RequestNotFoundError, OrderNotPayableError, OrderOverdueError, RequestEndedError,
        PaymentRunningError, PriceChangedError, CustomerFrozenError: nothing was begun.
        RefusedError: billing's refusal, such as CBC.99005003; the request stays open.
        OutsideError: billing did not answer; nothing was paid.

    """
    await rehearse_refusal(
        database, lambda session: _asked_order(session, principal, request_id), now, sandbox=sandbox
    )
    async with database.transaction_as(principal) as session:
        attempt, order, failed = await _open_attempt(session, principal, request_id, now)
    crash_point("order.attempted")
    try:
        money = await _hold_money(peers, principal, attempt, order, failed)
        crash_point("order.held")
    except Exception as error:
        reason = error.refusal_code if isinstance(error, RefusedError) else UNFORESEEN
        async with database.transaction_as(principal) as session:
            await fail_attempt(session, attempt.attempt_id, order.order_id, reason, now)
        raise
    due = await _settle(settling, principal, attempt, request_id, money, now)
    if due is None:
        async with database.transaction_as(principal) as session:
            reason = OrderNotPayableError.code
            await fail_attempt(session, attempt.attempt_id, order.order_id, reason, now)
        raise OrderNotPayableError(ASSOCIATION_ENDED)
    return due


async def _asked_order(session: AsyncSession, principal: Principal, request_id: str) -> Order:
    _, order = await hold_open_request(session, principal, request_id)
    return order


async def _open_attempt(
    session: AsyncSession, principal: Principal, request_id: str, now: datetime
) -> tuple[PaymentAttempt, Order, list[str]]:
    customer = await hold_association(session, customer_of(request_id))
    request, order = await hold_open_request(session, principal, request_id)
    order.check_payable(now)
    await check_may_ask(session, customer, order)
    assert customer is not None
    if customer.is_frozen:
        raise CustomerFrozenError("the customer is frozen")
    if request.amount != order.amount_after_discount:
        raise PriceChangedError("the order costs something else by now")
    failed = await earlier_attempts(session, order.order_id)
    order.begin_payment(order.customer_id, by_partner=True)
    attempt = PaymentAttempt(
        attempt_id=new_id(),
        order_id=order.order_id,
        customer_id=order.customer_id,
        partner_id=order.partner_id,
        distributor_id=order.distributor_id,
        state=OPEN,
        coupons=[],
        opened_at=now,
    )
    session.add(attempt)
    return attempt, order, failed


async def _hold_money(
    peers: Peers,
    principal: Principal,
    attempt: PaymentAttempt,
    order: Order,
    failed: list[str],
) -> HeldMoney:
    amount = order.amount_after_discount
    if amount == 0:
        return HeldMoney(amount, amount)
    hold = {
        "attempt_id": attempt.attempt_id,
        "order_id": order.order_id,
        "customer_id": order.customer_id,
        "payer_partner_id": order.paying_partner_id,
        "amount": str(amount),
        "failed_attempt_ids": failed,
    }
    held = await peers.hold_money(principal, hold)
    if held.cash_amount != amount or held.credit_amount:
        raise OutsideError("the hold does not add up")
    return held


async def _settle(
    session: AsyncSession,
    principal: Principal,
    opened: PaymentAttempt,
    request_id: str,
    money: HeldMoney,
    now: datetime,
) -> tuple[PaymentRequest, datetime] | None:
    """T2, as of `pay_order`; None when the association ended meanwhile, and no order is locked."""
    customer = await hold_owner(session, opened.order_id)
    is_its_own = customer is not None and customer.partner_id == opened.partner_id
    if customer is None or not is_its_own or customer.association_status != ASSOCIATED:
        return None
    order = await session.get_one(
        Order, opened.order_id, with_for_update={"of": Order}, populate_existing=True
    )
    attempt = await session.get(
        PaymentAttempt, opened.attempt_id, with_for_update=True, populate_existing=True
    )
    if attempt is None or attempt.state != OPEN:
        raise AttemptClosedError(opened.attempt_id)
    request = await session.get_one(PaymentRequest, request_id, populate_existing=True)
    request.end(PAID, now)
    return request, settle_attempt(session, principal, attempt, order, [], money, now)
