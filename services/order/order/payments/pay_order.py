"""Pay an order by the attempt protocol (decision 0009).

The one place with two transactions in a request: an attempt is committed first, then coupons are
reserved and money is held under its id, then its outcome is committed. Only that outcome, stated
as `order.paid` or `order.payment_failed`, ends what was reserved.

A custody member pays nothing itself: its payment asks its enterprise master, which then pays with
coupons and money of its own (docs/domain/enterprise.md B.4).
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, copies
from chassis.crash import crash_point
from chassis.database import Database
from chassis.errors import BadFieldError, OutsideError, RefusedError, UnknownValueError
from chassis.identity import Principal
from chassis.ids import new_id
from chassis.outbox import publish
from contracts.order import CouponUse, OrderPaid
from order.authorizations import hold_authorization, require_authorization
from order.copies import Customer
from order.orders.facts import order_fact
from order.orders.find_order import (
    CustomerFrozenError,
    OrderInvalidError,
    hold_association,
    order_to_pay,
    owner_of,
)
from order.orders.models import (
    FAILED,
    OPEN,
    PAID,
    AttemptClosedError,
    Order,
    OrderLine,
    OrderNotPayableError,
    PaymentAttempt,
)
from order.payments.ask_master import MasterPaysError, ask_master
from order.payments.close_attempts import fail_attempt
from order.peers import CouponShare, HeldMoney, Peers
from wire.money import cut, share
from wire.types import Id, WireRequest

CASH_COUPON, FLEXI_COUPON = 1, 4  # coupon types as in lists, docs/domain/coupons.md B.7
DISCOUNT_TYPES = (0, 2, 3, 609)  # docs/domain/wire-protocol.md D.4a.8
RATIO_PLACES = 4
UNFORESEEN = "CBC.0999"
FAILED_ATTEMPTS_MAX = 20  # told to voucher and billing in one request
ASSOCIATION_ENDED = "the association with the partner has ended"


class PaymentRunningError(RefusedError):
    """Another payment of this order is under way."""

    code = "CBC.99008040"


class DiscountError(RefusedError):
    """The discount is not one of this order's: its price has all it gets already."""

    code = "CBC.99003108"


class CouponKindError(RefusedError):
    """Neither a cash nor a flexi coupon: nothing else pays an order here."""

    code = "CBC.99003112"


class CouponWanted(WireRequest):
    """A coupon to use; `type` as in payments: 300 discount, 301 cash, 302 flexi, 303 card."""

    id: Id
    type: Annotated[int, Field(ge=300, le=303)]


class DiscountWanted(WireRequest):
    """A discount to use."""

    id: Id
    type: int


class Payment(WireRequest, operation="pay_orders"):
    """The body of pay_orders."""

    order_id: Id
    use_coupon: Literal["YES", "NO"]
    use_discount: Literal["YES", "NO"]
    coupon_infos: list[CouponWanted] | None = None
    discount_infos: list[DiscountWanted] | None = None


async def pay_order(
    database: Database, peers: Peers, principal: Principal, payment: Payment, now: datetime
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
    attempt, order, failed = opened
    crash_point("order.attempted")
    try:
        coupons = await _reserve_coupons(peers, principal, attempt, order, failed)
        crash_point("order.reserved")
        money = await _hold_money(peers, principal, attempt, order, coupons, failed)
        crash_point("order.held")
    except Exception as error:
        reason = error.refusal_code if isinstance(error, RefusedError) else UNFORESEEN
        async with database.transaction_as(principal) as session:
            await fail_attempt(session, attempt.attempt_id, order.order_id, reason, now)
        raise
    async with database.transaction_as(principal) as session:
        due = await _settle(
            session, principal, attempt.attempt_id, order.order_id, coupons, money, now
        )
    crash_point("order.settled")
    if due is None:
        raise OrderNotPayableError(ASSOCIATION_ENDED)
    return due


def check_choices(payment: Payment) -> None:
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
    for index, discount in enumerate(payment.discount_infos or []):
        if discount.type not in DISCOUNT_TYPES:
            raise UnknownValueError(f"discount_infos[{index}].type")


async def _open_attempt(
    session: AsyncSession, principal: Principal, payment: Payment, now: datetime
) -> tuple[PaymentAttempt, Order, list[str]] | None:
    """T1: from its commit on, whatever is reserved under the attempt's id has an owner.

    With the order's last failed attempts: what they hold is still to be freed where the event
    that states their end has not arrived yet, and is this attempt's to use.

    None when the caller is a custody member: its master is asked instead.
    """
    order, payer = await _payable_order(session, principal, payment, now)
    if payer.customer_id == order.customer_id and payer.paying_master_id is not None:
        ask_master(session, principal, order, payer.paying_master_id, now)
        return None
    failed = await _earlier_attempts(session, order.order_id)
    order.begin_payment(payer.customer_id)
    attempt = PaymentAttempt(
        attempt_id=new_id(),
        order_id=order.order_id,
        customer_id=order.customer_id,
        partner_id=order.partner_id,
        distributor_id=order.distributor_id,
        state=OPEN,
        coupons=[{"coupon_id": c.id, "type": c.type} for c in payment.coupon_infos or []],
        opened_at=now,
    )
    session.add(attempt)
    return attempt, order, failed


async def _earlier_attempts(session: AsyncSession, order_id: str) -> list[str]:
    """The last ones that failed; PaymentRunningError while one is open."""
    found = await session.execute(
        select(PaymentAttempt.attempt_id, PaymentAttempt.state)
        .where(PaymentAttempt.order_id == order_id)
        .order_by(PaymentAttempt.opened_at.desc())
        .limit(FAILED_ATTEMPTS_MAX)
    )
    attempts = found.all()
    if any(state == OPEN for _, state in attempts):
        raise PaymentRunningError
    return [attempt_id for attempt_id, state in attempts if state == FAILED]


async def _payable_order(
    session: AsyncSession, principal: Principal, payment: Payment, now: datetime
) -> tuple[Order, Customer]:
    """The order, locked and free to be paid, and the account that would pay: the caller's."""
    customer = await hold_association(session, owner_of(payment.order_id))
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
    if payment.discount_infos:
        raise DiscountError
    return order, payer


async def _reserve_coupons(
    peers: Peers,
    principal: Principal,
    attempt: PaymentAttempt,
    order: Order,
    failed: Sequence[str],
) -> list[CouponShare]:
    if not attempt.coupons:
        return []
    reservation = {
        "attempt_id": attempt.attempt_id,
        "order_id": order.order_id,
        "customer_id": _payer_id(order),
        "coupons": attempt.coupons,
        "lines": [_reserved_line(line) for line in order.lines],
        "failed_attempt_ids": failed,
    }
    shares = await peers.reserve_coupons(principal, reservation)
    if any(share.coupon_type not in (CASH_COUPON, FLEXI_COUPON) for share in shares):
        raise CouponKindError
    if sum(share.amount for share in shares) > order.amount_after_discount:
        raise OutsideError("the coupons pay more than the order")
    return shares


def _payer_id(order: Order) -> str:
    """Whose coupons and money the open attempt is to use."""
    return order.paying_agent_id or order.customer_id


def _reserved_line(line: OrderLine) -> dict[str, Any]:
    official = line.official_amount
    ratio = line.amount_after_discount / official if official else Decimal(1)
    return {
        "line_id": line.line_id,
        "product_id": line.product_id,
        "service_type_code": line.service_type_code,
        "region_code": line.region_code,
        "charging_mode": line.charging_mode,
        "amount_after_discount": str(line.amount_after_discount),
        "discount_ratio": str(cut(ratio, RATIO_PLACES)),
    }


async def _hold_money(
    peers: Peers,
    principal: Principal,
    attempt: PaymentAttempt,
    order: Order,
    coupons: list[CouponShare],
    failed: Sequence[str],
) -> HeldMoney:
    """Hold what coupons do not pay; there is nothing to hold for nothing."""
    amount = order.amount_after_discount - sum(share.amount for share in coupons)
    if amount == 0:
        return HeldMoney(Decimal("0.00"), Decimal("0.00"))
    held = await peers.hold_money(
        principal,
        {
            "attempt_id": attempt.attempt_id,
            "order_id": order.order_id,
            "customer_id": _payer_id(order),
            "amount": str(amount),
            "failed_attempt_ids": failed,
        },
    )
    if held.cash_amount + held.credit_amount != amount:
        raise OutsideError("the hold does not add up")
    return held


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
    customer = await hold_association(session, owner_of(order_id))
    order = await session.get_one(Order, order_id, with_for_update={"of": Order})
    attempt = await session.get(PaymentAttempt, attempt_id, with_for_update=True)
    if attempt is None:
        raise AttemptClosedError(attempt_id)
    if customer is None or not customer.is_resale_of(order.partner_id):
        await fail_attempt(session, attempt_id, order_id, OrderNotPayableError.code, now)
        return None
    attempt.close(PAID, now)
    uses = [CouponUse(coupon_id=c.coupon_id, coupon_type=c.coupon_type, amount=c.amount)
            for c in coupons]  # fmt: skip
    attempt.coupons = [use.model_dump(mode="json") for use in uses]
    _take_coupons(order, coupons)
    due = order.pay(money.cash_amount, money.credit_amount, now)
    audit.record(session, principal, "order.pay", order_id, now,
                 attempt_id=attempt_id, amount=str(order.amount_after_discount))  # fmt: skip
    publish(
        session,
        order_fact(
            OrderPaid,
            order,
            now,
            attempt_id=attempt_id,
            coupons=uses,
            cash_amount=money.cash_amount,
            credit_amount=money.credit_amount,
        ),
    )
    return due


def _take_coupons(order: Order, coupons: list[CouponShare]) -> None:
    """Note what coupons paid, on the order and, shared out, on its lines."""
    zero = Decimal("0.00")
    cash = sum((c.amount for c in coupons if c.coupon_type == CASH_COUPON), zero)
    flexi = sum((c.amount for c in coupons if c.coupon_type == FLEXI_COUPON), zero)
    order.coupon_amount, order.flexipurchase_coupon_amount = cash, flexi
    room = [line.amount_after_discount for line in order.lines]
    for line, part in zip(order.lines, share(cash, room), strict=True):
        line.coupon_amount = part
    room = [line.amount_after_discount - line.coupon_amount for line in order.lines]
    for line, part in zip(order.lines, share(flexi, room), strict=True):
        line.flexipurchase_coupon_amount = part
