"""Which of its coupons a customer may use for an order that waits for payment.

An enterprise master asks so for the order that its custody member asked it to pay.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.copies import until
from chassis.errors import RefusedError
from chassis.identity import Principal, WrongPrincipalError
from contracts.order import OrderLine
from voucher.copies import Customer, Order
from voucher.coupons.coupon_lists import is_no_card, use_limits
from voucher.coupons.coupon_use import NO_DISCOUNT, PayLine
from voucher.coupons.models import USABLE, Coupon
from voucher.coupons.payment_rules import Payment, first_broken, judge_coupon
from voucher.first_orders import mark_first_orders
from wire.json import known
from wire.types import WireQuery
from wire.vocabulary import YUAN

PENDING_PAYMENT = 6  # order status, docs/domain/orders.md B.5
COUPONS_MAX = 500  # looked at for one order, the earliest to end first
COUPON_VERSION = 2
ONE_OF_A_KIND = 1


class ListOrderCoupons(WireQuery, operation="list_order_coupons_by_order_id"):
    """The query."""

    order_id: str


class InvalidOrderError(RefusedError):
    """No such order, or not the customer's to pay."""

    code = "CBC.30000010"


class MemberOrderError(RefusedError):
    """The id names a member of a combined order, which is paid as a whole.

    See docs/domain/orders.md H.6.
    """

    code = "CBC.99000089"


class OrderStatusChangedError(RefusedError):
    """The order does not wait for payment."""

    code = "CBC.99003106"


async def list_order_coupons(
    session: AsyncSession, principal: Principal, wanted: ListOrderCoupons, now: datetime
) -> dict[str, Any]:
    """Answered from voucher's own copy of the order, which may lag behind by a moment.

    Raises:
        WrongPrincipalError: no customer asks, or a partner's operator account.
        MemberOrderError: a member of a combined order that the customer could pay.
        InvalidOrderError: not an order of the customer, nor one that a member asked it to pay.
        OrderStatusChangedError: it does not wait for payment.

    """
    if not principal.is_customer or principal.operator_id is not None:
        raise WrongPrincipalError
    order_id = wanted.order_id.upper()  # ids match in any case (docs/domain/orders.md H.14)
    order = await until(session, lambda asked: order_to_pay(asked, principal.id, order_id))
    if order is None:
        raise InvalidOrderError
    if order.order_id != order_id:
        raise MemberOrderError
    if order.status != PENDING_PAYMENT:
        raise OrderStatusChangedError
    found = await session.scalars(
        select(Coupon)
        .where(Coupon.customer_id == principal.id, Coupon.status == USABLE, is_no_card())
        .where(Coupon.effective_at <= now, Coupon.expire_at > now, Coupon.is_frozen.is_(False))
        .where(or_(Coupon.lock_order_id.is_(None), Coupon.lock_order_id == order.order_id))
        .order_by(Coupon.expire_at, Coupon.id)
        .limit(COUPONS_MAX)
    )
    payer = await session.get(Customer, principal.id)
    theirs, lines = list(found), pay_lines_of(order)
    await mark_first_orders(session, principal.id, order.order_id, theirs, lines)
    payment = Payment(payer, lines, now, order.order_id)
    coupons = [x for x in theirs if first_broken(judge_coupon(x, payment)) is None]
    return {
        "count": len(coupons),
        "user_coupons": [_coupon(coupon) for coupon in coupons],
        "coupon_max_use_quantity": [
            {
                "coupon_type": coupon_type,
                "coupon_group": group,
                "use_quantity_value": ONE_OF_A_KIND,
            }
            for coupon_type, group in sorted({(c.coupon_type, c.coupon_group) for c in coupons})
        ],
    }


async def order_to_pay(session: AsyncSession, customer_id: str, order_id: str) -> Order | None:
    """The order of that id, or with such a member; None for another's, which is waited for, too.

    So the time of the refusal does not tell whether there is one.
    """
    named = or_(Order.order_id == order_id, Order.member_ids.contains([order_id]))
    found = await session.scalars(
        select(Order).where(named).execution_options(populate_existing=True)
    )
    order = found.one_or_none()
    return order if order is not None and await _may_pay(session, customer_id, order) else None


async def _may_pay(session: AsyncSession, customer_id: str, order: Order) -> bool:
    """Its own order; or one it was asked to pay, by a customer that is still its custody member."""
    if order.customer_id == customer_id:
        return True
    if order.paying_agent_id != customer_id:
        return False
    member = await session.get(Customer, order.customer_id)
    return (
        member is not None
        and member.financial_custody
        and member.enterprise_master_id == customer_id
    )


def pay_lines_of(order: Order) -> list[PayLine]:
    """Its lines as coupons pay them, at the price that the order carries."""
    lines = [OrderLine.model_validate(line) for line in order.lines]
    return [_pay_line(line, order.order_type) for line in lines]


def _pay_line(line: OrderLine, order_type: int | None) -> PayLine:
    return PayLine(
        line_id=line.line_id,
        product_id=line.product_id,
        service_type_code=line.service_type_code,
        region_code=line.region_code,
        order_type=order_type,
        charging_mode=line.charging_mode,
        period_type=line.period_type,
        amount=line.amount_after_discount,
        discount_ratio=NO_DISCOUNT if line.discount_ratio is None else line.discount_ratio,
        discount_type=line.discount_type,
    )


def _coupon(coupon: Coupon) -> dict[str, Any]:
    return known(
        {
            "coupon_id": coupon.id,
            "coupon_code": coupon.id,
            "status": coupon.status,
            "coupon_type": coupon.coupon_type,
            "measure_id": YUAN,
            "face_value": coupon.face_value,
            "effective_time": coupon.effective_at,
            "expire_time": coupon.expire_at,
            "use_limits": use_limits(coupon.limits, coupon.id),
            "active_time": coupon.created_at,
            "last_used_time": coupon.last_used_at,
            "create_time": coupon.created_at,
            "coupon_version": COUPON_VERSION,
            "balance": coupon.balance,
            "used_by_order_id": coupon.lock_order_id,
            "coupon_group": coupon.coupon_group,
        }
    )
