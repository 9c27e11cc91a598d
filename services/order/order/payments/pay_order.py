"""Pay an order by the attempt protocol (decision 0009).

The one place with two transactions in a request: an attempt is committed first, then coupons are
reserved and money is held under its id, then its outcome is committed. Only that outcome, stated
as `order.paid` or `order.payment_failed`, ends what was reserved.

A custody member pays nothing itself: its payment asks its enterprise master, which then pays with
coupons and money of its own (docs/domain/enterprise.md B.4).
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, copies, outbox
from chassis.crash import crash_point
from chassis.database import Database
from chassis.errors import BadFieldError, RefusedError
from chassis.identity import Principal
from chassis.ids import new_id
from chassis.try_again import twice
from contracts.order import FAILED_ATTEMPTS_MAX, CouponPart, CouponUse
from order.authorizations import hold_authorization, require_authorization
from order.copies import Customer
from order.orders.discounts import OfferedDiscount, carry_discount
from order.orders.facts import order_paid
from order.orders.find_order import (
    CustomerFrozenError,
    OrderInvalidError,
    hold_owner,
    locked_order,
    order_to_pay,
)
from order.orders.models import (
    FAILED,
    OPEN,
    PAID,
    AttemptClosedError,
    Order,
    OrderNotPayableError,
    PaymentAttempt,
)
from order.payments.ask_master import MasterPaysError, ask_master
from order.payments.choose_discount import (
    DiscountWanted,
    check_discounts,
    choose_discount,
    prices_to_pay,
)
from order.payments.close_attempts import fail_attempt
from order.payments.note_payment import note_payment
from order.payments.reserve_payment import OpenedAttempt, reserve_payment
from order.peers import CouponShare, HeldMoney, Peers
from wire.types import Id, WireRequest

UNFORESEEN = "CBC.0999"
ASSOCIATION_ENDED = "the association with the partner has ended"


class PaymentRunningError(RefusedError):
    """Another payment of this order is under way."""

    code = "CBC.99008040"


class CouponWanted(WireRequest):
    """A coupon to use; `type` as in payments: 300 discount, 301 cash, 302 flexi, 303 card."""

    id: Id
    type: Annotated[int, Field(ge=300, le=303)]


class PayOrder(WireRequest, operation="pay_orders"):
    """The body of pay_orders."""

    order_id: Id
    use_coupon: Literal["YES", "NO"]
    use_discount: Literal["YES", "NO"]
    coupon_infos: list[CouponWanted] | None = None
    discount_infos: list[DiscountWanted] | None = None


async def pay_order(
    database: Database, peers: Peers, principal: Principal, payment: PayOrder, now: datetime
) -> datetime:
    """Pay the caller's order, or its custody member's; answers when its resources are due.

    Raises:
        MasterPaysError: the caller is a custody member; its master has been asked to pay.
        RefusedError: the precise refusal of order, voucher or billing; the order stays payable.
        OutsideError: voucher or billing did not answer; nothing was paid.

    """
    check_choices(payment)
    async with database.transaction_as(principal) as session:
        opened = await _open_attempt(session, principal, payment, now)
    if opened is None:
        raise MasterPaysError
    return await pay_opened(database, peers, principal, opened, now)


async def pay_opened(
    database: Database,
    peers: Peers,
    principal: Principal,
    opened: OpenedAttempt,
    now: datetime,
    *,
    choose: Callable[[], Awaitable[list[dict[str, Any]]]] | None = None,
    beside: Callable[[AsyncSession], Awaitable[None]] | None = None,
) -> datetime:
    """What follows the commit of an attempt; `beside` is written with its outcome, paid.

    `choose` finds the coupons of one that was opened before they were known.
    """
    attempt, order = opened.attempt, opened.order
    crash_point("order.attempted")
    try:
        if choose is not None:
            attempt.coupons = await choose()
        coupons, money = await reserve_payment(peers, principal, opened)
    except Exception as error:
        reason = error.refusal_code if isinstance(error, RefusedError) else UNFORESEEN
        async with database.transaction_as(principal) as session:
            await fail_attempt(session, attempt.attempt_id, order.order_id, reason, now)
        raise

    async def settle() -> datetime | None:
        async with database.transaction_as(principal) as session:
            due = await _settle(
                session, principal, attempt.attempt_id, order.order_id, coupons, money, now
            )
            if due is not None and beside is not None:
                await beside(session)
            return due

    due = await twice(settle)  # all is reserved: a deadlock would leave it so for half a minute
    crash_point("order.settled")
    if due is None:
        raise OrderNotPayableError(ASSOCIATION_ENDED)
    return due


def check_choices(payment: PayOrder) -> None:
    """YES needs its list, NO takes none: a coupon named and not used would take other money."""
    chosen: tuple[tuple[str, str, list[Any] | None], ...] = (
        ("coupon_infos", payment.use_coupon, payment.coupon_infos),
        ("discount_infos", payment.use_discount, payment.discount_infos),
    )
    for name, use, infos in chosen:
        if bool(infos) != (use == "YES"):
            raise BadFieldError(name, "goes with YES, and only with YES")
    ids = [coupon.id for coupon in payment.coupon_infos or []]
    if len(ids) != len(set(ids)):
        raise BadFieldError("coupon_infos", "the same coupon twice")
    check_discounts(payment.discount_infos or [])


async def _open_attempt(
    session: AsyncSession, principal: Principal, payment: PayOrder, now: datetime
) -> OpenedAttempt | None:
    """T1: from its commit on, whatever is reserved under the attempt's id has an owner.

    None when the caller is a custody member: its master is asked instead.
    """
    order, payer = await _payable_order(session, principal, payment, now)
    if payer.customer_id == order.customer_id and payer.paying_master_id is not None:
        ask_master(session, principal, order, payer.paying_master_id, now)
        return None
    discount = await choose_discount(session, order, payment.discount_infos or [], now)
    failed = await earlier_attempts(session, order.order_id)
    order.begin_payment(payer.customer_id)
    coupons = [{"coupon_id": c.id, "type": c.type} for c in payment.coupon_infos or []]
    attempt = _attempt(order, coupons, discount, now)
    session.add(attempt)
    return OpenedAttempt(attempt, order, prices_to_pay(order, discount), failed)


def open_when_placed(session: AsyncSession, order: Order, now: datetime) -> OpenedAttempt:
    """T1 of the order's customer in the transaction that places it; coupons are chosen later.

    That one holds the customer, and nobody else sees the order yet. It carries its discount.
    """
    order.check_payable(now)
    order.begin_payment(order.customer_id)
    attempt = _attempt(order, [], None, now)
    session.add(attempt)
    return OpenedAttempt(attempt, order, prices_to_pay(order, None), [])


def _attempt(
    order: Order, coupons: list[dict[str, Any]], discount: OfferedDiscount | None, now: datetime
) -> PaymentAttempt:
    return PaymentAttempt(
        attempt_id=new_id(),
        order_id=order.order_id,
        customer_id=order.customer_id,
        partner_id=order.partner_id,
        distributor_id=order.distributor_id,
        state=OPEN,
        coupons=coupons,
        discount_id=discount.discount_id if discount else None,
        opened_at=now,
    )


_EARLIER = (
    select(PaymentAttempt.attempt_id, PaymentAttempt.state)
    .where(PaymentAttempt.order_id == bindparam("order_id"))
    .order_by(PaymentAttempt.opened_at.desc())
    .limit(FAILED_ATTEMPTS_MAX)
)


async def earlier_attempts(session: AsyncSession, order_id: str) -> list[str]:
    """The last ones that failed; PaymentRunningError while one is open."""
    attempts = (await session.execute(_EARLIER, {"order_id": order_id})).all()
    if any(state == OPEN for _, state in attempts):
        raise PaymentRunningError
    return [attempt_id for attempt_id, state in attempts if state == FAILED]


async def _payable_order(
    session: AsyncSession, principal: Principal, payment: PayOrder, now: datetime
) -> tuple[Order, Customer]:
    """The order, locked and free to be paid, and the account that would pay: the caller's."""
    customer = await hold_owner(session, payment.order_id)
    order = await order_to_pay(session, principal, payment.order_id)
    if customer is None:  # another partner's by now, or was never associated
        raise OrderNotPayableError(ASSOCIATION_ENDED)
    payer = customer
    if principal.id != order.customer_id:
        master = await copies.find(session, Customer, principal.id)
        if master is None:
            raise OrderInvalidError
        payer = master
    if principal.acting_for_partner is not None:
        await require_authorization(session, payer)
        await hold_authorization(session, payer)
    if customer.is_frozen or payer.is_frozen:
        raise CustomerFrozenError("the customer is frozen")
    order.check_payable(now)
    if not customer.is_resale_of(order.partner_id):
        raise OrderNotPayableError(ASSOCIATION_ENDED)
    return order, payer


_ATTEMPT = (
    select(PaymentAttempt)
    .where(PaymentAttempt.attempt_id == bindparam("attempt_id"))
    .with_for_update()
    .execution_options(populate_existing=True)
)


async def _settle(
    session: AsyncSession,
    principal: Principal,
    attempt_id: str,
    order_id: str,
    coupons: list[CouponShare],
    money: HeldMoney,
    now: datetime,
) -> datetime | None:
    """T2: the attempt must still be open, for a closed one has freed what it reserved.

    None when the association ended meanwhile: the attempt has failed then, and frees it.
    """
    customer = await hold_owner(session, order_id)
    order = await locked_order(session, order_id)
    attempt = await session.scalar(_ATTEMPT, {"attempt_id": attempt_id})
    if attempt is None:
        raise AttemptClosedError(attempt_id)
    if customer is None or not customer.is_resale_of(order.partner_id):
        await fail_attempt(session, attempt_id, order_id, OrderNotPayableError.code, now)
        return None
    if attempt.discount_id is not None:
        key = (order_id, attempt.discount_id)
        carry_discount(order, await session.get_one(OfferedDiscount, key))
    return settle_attempt(session, principal, attempt, order, coupons, money, now)


def settle_attempt(
    session: AsyncSession,
    principal: Principal,
    attempt: PaymentAttempt,
    order: Order,
    coupons: list[CouponShare],
    money: HeldMoney,
    now: datetime,
) -> datetime:
    """The locked order is paid by what the locked attempt reserved; when resources are due.

    Raises:
        AttemptClosedError: it was closed meanwhile.

    """
    attempt.close(PAID, now)
    uses = [_coupon_use(coupon) for coupon in coupons]
    attempt.coupons = [use.model_dump(mode="json") for use in uses]
    note_payment(order, coupons, money)
    due = order.pay(money.cash_amount, money.credit_amount, now)
    attempt_id = attempt.attempt_id
    audit.record(session, principal, "order.pay", order.order_id, now,
                 attempt_id=attempt_id, amount=str(order.amount_after_discount))  # fmt: skip
    paid = order_paid(order, now, attempt_id, uses, money.cash_amount, money.credit_amount)
    outbox.publish(session, paid)
    return due


def _coupon_use(coupon: CouponShare) -> CouponUse:
    parts = [CouponPart(line_id=line_id, amount=amount) for line_id, amount in coupon.lines]
    return CouponUse(
        coupon_id=coupon.coupon_id,
        coupon_type=coupon.coupon_type,
        amount=coupon.amount,
        lines=parts,
    )


async def try_payment(
    session: AsyncSession, principal: Principal, order_id: str, now: datetime
) -> None:
    """Begin a payment by money alone, as `pay_order` does; the caller rolls it back.

    Raises:
        MasterPaysError, RefusedError: as of `pay_order`, from what order alone knows.

    """
    payment = PayOrder(order_id=order_id, use_coupon="NO", use_discount="NO")
    if await _open_attempt(session, principal, payment, now) is None:
        raise MasterPaysError
