"""Order's events, made from its rows: each carries the whole state after the fact."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from contracts.order import (
    CouponUse,
    OrderEvent,
    OrderPaid,
    OrderPaymentDeclined,
    OrderPaymentFailed,
    OrderProvisioned,
    ProvisionedPiece,
)
from contracts.order import OrderLine as LineOfEvent
from order.orders.changes import note_change
from order.orders.models import Order, OrderLine

Fact = TypeVar("Fact", bound=OrderEvent)


def order_fact(
    contract: type[Fact], order: Order, now: datetime, *, is_news: bool = True, **own: Any
) -> Fact:
    """An event about the order as it is now; `own` are the fields of that contract alone.

    It is kept in the order's history, unless it is no news: an order that is stated again.
    """
    if is_news:
        detail = own.get("remark") or own.get("outcome") or order.end_reason
        note_change(order, contract.TYPE, now, code=own.get("reason_code"), detail=detail)
    return contract(
        occurred_at=now,
        partner_id=order.partner_id,
        distributor_id=order.distributor_id,
        version=order.version,
        order_id=order.order_id,
        customer_id=order.customer_id,
        order_type=order.order_type,
        status=order.status,
        source_type=order.source_type,
        currency=order.currency,
        service_type_code=order.service_type_code,
        official_amount=order.official_amount,
        discount_amount=order.discount_amount,
        amount_after_discount=order.amount_after_discount,
        coupon_amount=order.coupon_amount,
        flexipurchase_coupon_amount=order.flexipurchase_coupon_amount,
        lines=[_line(line) for line in order.lines],
        created_at=order.created_at,
        pay_until=order.pay_until,
        paid_at=order.paid_at,
        completed_at=order.completed_at,
        placed_by=order.placed_by,
        end_reason=order.end_reason,
        consumed_amount=order.consumed_amount,
        commission_amount=order.commission_amount,
        paying_agent_id=order.paying_agent_id,
        paying_partner_id=order.paying_partner_id,
        payment_request_id=order.payment_request_id,
        discount_id=order.discount_id,
        discount_type=order.discount_type,
        granted_discount_amount=order.granted_discount_amount,
        coupon_discount_amount=order.coupon_discount_amount,
        pay_before=order.pay_before,
        **own,
    )


def order_paid(
    order: Order,
    now: datetime,
    attempt_id: str,
    coupons: Sequence[CouponUse],
    cash_amount: Decimal,
    credit_amount: Decimal,
) -> OrderPaid:
    """The attempt succeeded; its coupons and its money are to be captured."""
    return order_fact(
        OrderPaid,
        order,
        now,
        attempt_id=attempt_id,
        coupons=list(coupons),
        cash_amount=cash_amount,
        credit_amount=credit_amount,
    )


def order_payment_failed(
    order: Order, now: datetime, attempt_id: str, reason_code: str
) -> OrderPaymentFailed:
    """The attempt ended unpaid; what it reserved is free."""
    return order_fact(
        OrderPaymentFailed, order, now, attempt_id=attempt_id, reason_code=reason_code
    )


def order_payment_declined(
    order: Order, now: datetime, request_id: str, outcome: str, remark: str | None = None
) -> OrderPaymentDeclined:
    """The request to the partner ended without a payment."""
    return order_fact(
        OrderPaymentDeclined, order, now, request_id=request_id, outcome=outcome, remark=remark
    )


def order_provisioned(
    order: Order, now: datetime, pieces: Sequence[ProvisionedPiece]
) -> OrderProvisioned:
    """Pieces were opened."""
    return order_fact(OrderProvisioned, order, now, pieces=list(pieces))


def _line(line: OrderLine) -> LineOfEvent:
    return LineOfEvent(
        line_id=line.line_id,
        product_id=line.product_id,
        service_type_code=line.service_type_code,
        service_type_name=line.service_type_name,
        resource_type_code=line.resource_type_code,
        resource_type_name=line.resource_type_name,
        resource_spec_code=line.resource_spec_code,
        region_code=line.region_code,
        charging_mode=line.charging_mode,
        period_type=line.period_type,
        period_num=line.period_num,
        quantity=line.quantity,
        official_amount=line.official_amount,
        discount_amount=line.discount_amount,
        amount_after_discount=line.amount_after_discount,
        measure_size=line.measure_size,
        resource_id=line.resource_id,
        member_order_id=line.member_order_id,
        coupon_amount=line.coupon_amount,
        flexipurchase_coupon_amount=line.flexipurchase_coupon_amount,
        stored_card_amount=line.stored_card_amount,
        cash_amount=line.cash_amount,
        credit_amount=line.credit_amount,
        granted_discount_amount=line.granted_discount_amount,
        discount_type=line.discount_type,
        discount_ratio=line.discount_ratio,
        coupon_discount_amount=line.coupon_discount_amount,
    )
