"""Pay a pending order as the system does (docs/domain/orders.md H.4)."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.database import Database
from chassis.errors import OutsideError, RefusedError
from chassis.identity import Principal
from contracts.order import OrderPaymentRequested, OrderRepriced
from order.copies import Customer
from order.orders.discounts import (
    CONTRACT,
    OfferedDiscount,
    carried_prices,
    carry_discount,
    offered_discounts,
    payable,
    prices_with,
)
from order.orders.facts import order_fact
from order.orders.find_order import hold_owner, locked_order, order_to_pay
from order.orders.models import PENDING, Order, OrderNotPayableError
from order.payments.note_payment import CASH_COUPON
from order.payments.pay_order import PayOrder, earlier_attempts, pay_opened, pay_order
from order.payments.reserve_payment import OpenedAttempt, reserved_line
from order.peers import Peers, UsableCoupon
from order.sandbox.rehearse_refusal import rehearse_refusal
from order.system import as_account
from wire.vocabulary import PaymentCouponType


@dataclass(frozen=True, slots=True)
class Chosen:
    """Who pays an order, and what voucher is asked of it; the order carries the best discount."""

    payer: Principal
    asked: dict[str, Any]


async def pay_automatically(
    database: Database, peers: Peers, order_id: str, now: datetime, *, sandbox: bool = False,
    chosen: Chosen | None = None,
) -> str | None:  # fmt: skip
    """Pay by the best discount, the one best cash coupon, cash, then credit; None: it is paid.

    Else the code that refused it: the order is pending, with the discount that was chosen. A
    custody member's order takes its master's coupon and money; where these do not do, the master
    is asked as by the member's own payment. `chosen`: of an order that was just placed so.
    """
    if chosen is None:
        async with database.transaction() as session:
            found = await _choose(session, order_id, now)
        if isinstance(found, str):
            return found
        chosen = found
    payer, asked = chosen.payer, chosen.asked
    try:
        await rehearse_refusal(
            database, lambda session: order_to_pay(session, payer, order_id), now, sandbox=sandbox
        )
        coupon = await _coupon(peers, payer, asked)
        used: dict[str, Any] = {"use_coupon": "NO"}
        if coupon is not None:
            infos = [{"id": coupon, "type": int(PaymentCouponType.CASH)}]
            used = {"use_coupon": "YES", "coupon_infos": infos}
        named = {"order_id": asked["order_id"], "use_discount": "NO"}
        payment = PayOrder.model_validate(named | used)
        await pay_order(database, peers, payer, payment, now)
    except RefusedError as error:
        if not isinstance(error, OutsideError):
            await _ask_master(database, payer, order_id, now)
        return error.refusal_code
    return None


async def pay_begun(
    database: Database, peers: Peers, chosen: Chosen, opened: OpenedAttempt, now: datetime,
    beside: Callable[[AsyncSession], Awaitable[None]],
) -> str | None:  # fmt: skip
    """The same of an order whose attempt was opened where it was placed, the customer's own.

    `beside` is written in the transaction that pays it.
    """
    payer = chosen.payer

    async def choose() -> list[dict[str, Any]]:
        coupon = await _coupon(peers, payer, chosen.asked)
        if coupon is None:
            return []
        return [{"coupon_id": coupon, "type": int(PaymentCouponType.CASH)}]

    try:
        await pay_opened(database, peers, payer, opened, now, choose=choose, beside=beside)
    except RefusedError as error:
        return error.refusal_code
    return None


async def choose_when_placed(
    session: AsyncSession, order: Order, now: datetime, customer: Customer | None = None
) -> Chosen:
    """The choice of an order that this transaction places: one transaction less than apart.

    What becomes of the order until it is paid, the payment's own checks see.
    """
    if customer is None:
        customer = await session.get_one(Customer, order.customer_id)
    return await _carry_best(session, customer, order, now)


async def _choose(session: AsyncSession, order_id: str, now: datetime) -> Chosen | str:
    """The choice of an order that is there, or why it is not to be paid."""
    customer = await hold_owner(session, order_id)
    order = await locked_order(session, order_id.upper())
    try:
        order.check_payable(now)
        await earlier_attempts(session, order.order_id)  # who is paying it pays the price it saw
    except RefusedError as error:
        return error.refusal_code
    if customer is None:
        return OrderNotPayableError.code
    return await _carry_best(session, customer, order, now)


async def _carry_best(
    session: AsyncSession, customer: Customer, order: Order, now: datetime
) -> Chosen:
    """Have the order carry the best discount; the caller holds customer and order."""
    discount = await best_discount(session, order, now)
    if discount is not None and discount.discount_id != order.discount_id:
        carry_discount(order, discount)
        order.repriced(now)
        outbox.publish(session, order_fact(OrderRepriced, order, now))
    master_id = customer.paying_master_id
    if master_id is not None:
        order.begin_payment(master_id)
    payer_id = master_id or order.customer_id
    payer = as_account(customer, payer_id)
    asked = {
        "order_id": order.order_id,
        "customer_id": payer_id,
        "pricings": [
            {"lines": [reserved_line(price, order.order_type) for price in carried_prices(order)]}
        ],
        "options_max": 0,
    }
    return Chosen(payer, asked)


async def best_discount(
    session: AsyncSession, order: Order, now: datetime
) -> OfferedDiscount | None:
    """The one with the lowest payable; then the one that ends first, then by id.

    A contract is one only where the order names it. None: there is none to choose.
    """
    offered = await offered_discounts(session, order, now)  # the first to end first
    rated = [
        (payable(prices_with(order, discount)), discount)
        for discount in offered
        if discount.discount_type != CONTRACT or discount.discount_id == order.discount_id
    ]
    best = min(rated, key=lambda each: each[0], default=None)
    return None if best is None else best[1]


def best_coupon(usable: Sequence[UsableCoupon]) -> UsableCoupon | None:
    """The cash coupon with the largest balance; then the one that ends first, then by id."""
    cash = [coupon for coupon in usable if coupon.coupon_type == CASH_COUPON]
    return min(cash, key=_rank, default=None)


def _rank(coupon: UsableCoupon) -> tuple[Decimal, datetime, str]:
    return -coupon.balance, coupon.expire_at, coupon.coupon_id


async def _coupon(peers: Peers, payer: Principal, asked: dict[str, Any]) -> str | None:
    (found,) = await peers.coupon_options(payer, asked)
    coupon = best_coupon(found.usable)
    return coupon.coupon_id if coupon is not None else None


async def _ask_master(database: Database, payer: Principal, order_id: str, now: datetime) -> None:
    """The order is the master's to pay already; now everybody hears of it."""
    async with database.transaction() as session:
        order = await locked_order(session, order_id.upper())
        is_its_to_pay = payer.id != order.customer_id and order.paying_agent_id == payer.id
        if is_its_to_pay and order.status == PENDING:
            order.request_payment(payer.id, now)
            outbox.publish(session, order_fact(OrderPaymentRequested, order, now))
