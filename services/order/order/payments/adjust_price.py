"""The partner or the administrator adjusts the price of one pending order (609)."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import ConfigDict, Field, WithJsonSchema
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.errors import BadFieldError
from chassis.identity import Principal
from chassis.ids import new_id
from contracts.order import OrderRepriced
from order.orders.discounts import (
    ADJUSTMENT,
    FIXED_PRICE,
    ZERO,
    OfferedDiscount,
    carried_prices,
    carry_discount,
)
from order.orders.facts import order_fact
from order.orders.find_order import (
    MemberOrderError,
    OrderNotFoundError,
    hold_owner,
    visible,
)
from order.orders.models import (
    OPEN,
    PENDING,
    Order,
    OrderLine,
    OrderNotPayableError,
    PaymentAttempt,
)
from wire.money import AMOUNT_MAX, cut, share
from wire.types import Number, WireRequest

ADJUSTED_NAME = "price adjustment"
AMOUNT_PLACES, RATIO_PLACES = 2, 4
REASON_CHARACTERS_MAX = 200


class AdjustPrice(WireRequest):
    """The body of POST /api/orders/{order_id}/price-adjustment; 0 makes it free."""

    model_config = ConfigDict(extra="forbid")

    currency: str | None = Field(default=None, description="the order's, when given")
    amount_after_discount: Annotated[Number, WithJsonSchema({"type": "string"})]
    reason: Annotated[str, Field(min_length=1, max_length=REASON_CHARACTERS_MAX)]


async def adjust_price(
    session: AsyncSession, principal: Principal, order_id: str, wanted: AdjustPrice, now: datetime
) -> Order:
    """Have the order cost so much in all, in place of any discount; it can be adjusted again.

    Shared over the lines as a fixed price is. Orders of a customer that left are not adjusted.

    Raises:
        OrderNotFoundError, MemberOrderError: no order of the caller's, or a part of one.
        OrderNotPayableError: it does not wait for payment, or somebody is paying it.
        BadFieldError: more than the order costs without a discount, or no amount.

    """
    amount = _amount(wanted.amount_after_discount)
    await hold_owner(session, order_id)
    order = await _order(session, principal, order_id.upper())
    order.check_payable(now)
    running = select(PaymentAttempt.attempt_id).where(
        PaymentAttempt.order_id == order.order_id, PaymentAttempt.state == OPEN
    )
    if order.status != PENDING or await session.scalar(running) is not None:
        raise OrderNotPayableError("a payment is under way")
    if wanted.currency not in (None, order.currency):
        raise BadFieldError("currency", f"the order's is {order.currency}")
    discount = _adjustment(order, amount)
    await session.execute(
        delete(OfferedDiscount).where(
            OfferedDiscount.order_id == order.order_id,
            OfferedDiscount.discount_type == ADJUSTMENT,
        )
    )
    session.add(discount)
    carry_discount(order, discount)
    order.repriced(now)
    about = {"amount": str(amount), "reason": wanted.reason}
    audit.record(session, principal, "order.adjust_price", order.order_id, now, **about)
    outbox.publish(session, order_fact(OrderRepriced, order, now))
    return order


def _amount(value: Decimal) -> Decimal:
    if value < 0 or value > AMOUNT_MAX:
        raise BadFieldError("amount_after_discount", "out of range")
    amount = cut(value, AMOUNT_PLACES)
    if amount != value:
        raise BadFieldError("amount_after_discount", f"more than {AMOUNT_PLACES} decimals")
    return amount


async def _order(session: AsyncSession, principal: Principal, order_id: str) -> Order:
    seen = visible(principal, Order, None)
    wanted = select(Order).where(Order.order_id == order_id, seen).with_for_update(of=Order)
    order: Order | None = await session.scalar(wanted)
    if order is not None:
        return order
    member = select(OrderLine.line_id).join(Order, Order.order_id == OrderLine.order_id)
    if await session.scalar(member.where(OrderLine.member_order_id == order_id, seen).limit(1)):
        raise MemberOrderError
    raise OrderNotFoundError


def _adjustment(order: Order, amount: Decimal) -> OfferedDiscount:
    """A fixed price for all lines (docs/domain/orders.md H.1)."""
    prices = carried_prices(order)
    bases = [price.base for price in prices]
    whole = sum(bases, ZERO)
    if amount > whole:
        raise BadFieldError("amount_after_discount", f"more than {whole}")
    reductions = share(whole - amount, bases)
    return OfferedDiscount(
        order_id=order.order_id,
        discount_id=new_id(),
        customer_id=order.customer_id,
        partner_id=order.partner_id,
        distributor_id=order.distributor_id,
        discount_type=ADJUSTMENT,
        discount_mode=FIXED_PRICE,
        discount_value=str(amount),
        name=ADJUSTED_NAME,
        lines=[
            {
                "line_id": price.line.line_id,
                "discount_amount": str(off),
                "discount_ratio": str(cut((base - off) / base, RATIO_PLACES) if base else 1),
            }
            for price, base, off in zip(prices, bases, reductions, strict=True)
        ],
    )
