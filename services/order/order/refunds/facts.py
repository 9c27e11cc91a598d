"""What a refund is in `order.refunded`."""

from collections.abc import Sequence
from datetime import datetime

from contracts.order import CouponUse, OrderRefunded, OrderRefundHeld, RefundPart
from order.orders.facts import order_fact
from order.orders.models import Order
from order.refunds.models import Refund


def order_refunded(order: Order, now: datetime, refunds: Sequence[Refund]) -> OrderRefunded:
    """The unsubscription was carried out; this is what goes back, period by period."""
    return order_fact(OrderRefunded, order, now, refunds=[_part(refund) for refund in refunds])


def order_refund_held(order: Order, now: datetime, refunds: Sequence[Refund]) -> OrderRefundHeld:
    """Everything is released; this is what goes back when an administrator approves it."""
    return order_fact(OrderRefundHeld, order, now, refunds=[_part(refund) for refund in refunds])


def _part(refund: Refund) -> RefundPart:
    return RefundPart(
        refund_id=refund.refund_id,
        line_id=refund.line_id,
        resource_id=refund.resource_id,
        base_order_id=refund.base_order_id,
        base_line_id=refund.base_line_id,
        payer_id=refund.payer_id,
        rule=refund.rule,
        consumed_amount=refund.consumed_amount,
        commission_amount=refund.commission_amount,
        coupons=[CouponUse.model_validate(coupon) for coupon in refund.coupons],
        coupon_amount=refund.coupon_amount,
        flexipurchase_coupon_amount=refund.flexipurchase_coupon_amount,
        stored_card_amount=refund.stored_card_amount,
        cash_amount=refund.cash_amount,
        credit_amount=refund.credit_amount,
    )
