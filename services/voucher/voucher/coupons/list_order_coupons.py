"""Which of its coupons a customer may use for an order that waits for payment.

An enterprise master asks so for the order that its custody member asked it to pay.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.copies import find
from chassis.errors import RefusedError
from chassis.identity import Principal, WrongPrincipalError
from contracts.order import OrderLine
from voucher.copies import CustomerCopy, OrderCopy
from voucher.coupons.coupon_lists import use_limits
from voucher.coupons.coupon_use import NO_DISCOUNT, RATIO_PLACES, PayLine, refuse_unless_fits
from voucher.coupons.models import USABLE, Coupon
from voucher.pages import MEASURE_YUAN
from wire.json import known
from wire.money import cut
from wire.types import WireQuery

PENDING_PAYMENT = 6  # order status, docs/domain/orders.md B.5
COUPONS_MAX = 500  # looked at for one order, the earliest to end first
COUPON_VERSION = 2
HUAWEI_CLOUD_GROUP = 0  # all partner coupons (docs/domain/coupons.md B.7)
ONE_OF_A_KIND = 1


class ListOrderCoupons(WireQuery, operation="list_order_coupons_by_order_id"):
    """The query."""

    order_id: str


class InvalidOrderError(RefusedError):
    """No such order, or not the customer's to pay."""

    code = "CBC.30000010"


class OrderStatusChangedError(RefusedError):
    """The order does not wait for payment."""

    code = "CBC.99003106"


async def list_order_coupons(
    session: AsyncSession, principal: Principal, wanted: ListOrderCoupons, now: datetime
) -> dict[str, Any]:
    """Answered from voucher's own copy of the order, which may lag behind by a moment.

    Raises:
        WrongPrincipalError: no customer asks, or a partner's operator account.
        InvalidOrderError: not an order of the customer, nor one that a member asked it to pay.
        OrderStatusChangedError: it does not wait for payment.

    """
    if not principal.is_customer or principal.operator_id is not None:
        raise WrongPrincipalError
    order = await find(session, OrderCopy, wanted.order_id)
    if order is None or not await _may_pay(session, principal.id, order):
        raise InvalidOrderError
    if order.status != PENDING_PAYMENT:
        raise OrderStatusChangedError
    lines = [_pay_line(OrderLine.model_validate(line)) for line in order.lines]
    found = await session.scalars(
        select(Coupon)
        .where(Coupon.customer_id == principal.id, Coupon.status == USABLE)
        .where(Coupon.effective_at <= now, Coupon.expire_at > now, Coupon.is_frozen.is_(False))
        .where(or_(Coupon.lock_order_id.is_(None), Coupon.lock_order_id == order.order_id))
        .order_by(Coupon.expire_at, Coupon.id)
        .limit(COUPONS_MAX)
    )
    coupons = [coupon for coupon in found if _fits(coupon, lines)]
    return {
        "count": len(coupons),
        "user_coupons": [_coupon(coupon) for coupon in coupons],
        "coupon_max_use_quantity": [
            {
                "coupon_type": coupon_type,
                "coupon_group": HUAWEI_CLOUD_GROUP,
                "use_quantity_value": ONE_OF_A_KIND,
            }
            for coupon_type in sorted({coupon.coupon_type for coupon in coupons})
        ],
    }


async def _may_pay(session: AsyncSession, customer_id: str, order: OrderCopy) -> bool:
    """Its own order; or one it was asked to pay, by a customer that is still its custody member."""
    if order.customer_id == customer_id:
        return True
    if order.paying_agent_id != customer_id:
        return False
    member = await session.get(CustomerCopy, order.customer_id)
    return (
        member is not None
        and member.financial_custody
        and member.enterprise_master_id == customer_id
    )


def _pay_line(line: OrderLine) -> PayLine:
    ratio = NO_DISCOUNT
    if line.official_amount > 0:
        ratio = cut(line.amount_after_discount / line.official_amount, RATIO_PLACES)
    return PayLine(line.product_id, line.service_type_code, line.amount_after_discount, ratio)


def _fits(coupon: Coupon, lines: list[PayLine]) -> bool:
    try:
        refuse_unless_fits(coupon.id, coupon.rules, lines)
    except RefusedError:
        return False
    return True


def _coupon(coupon: Coupon) -> dict[str, Any]:
    return known(
        {
            "coupon_id": coupon.id,
            "coupon_code": coupon.id,
            "status": coupon.status,
            "coupon_type": coupon.coupon_type,
            "measure_id": MEASURE_YUAN,
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
            "coupon_group": HUAWEI_CLOUD_GROUP,
        }
    )
