"""What the native API shows of an order; amounts are texts of two decimals."""

from datetime import datetime

from order.orders.models import Order
from wire.native import Money, NativeAnswer
from wire.types import DecimalText


class OrderLineAnswer(NativeAnswer):
    """One product of an order, and what each means of payment paid of it."""

    line_id: str
    member_order_id: str | None
    product_id: str
    service_type_code: str
    service_type_name: str
    resource_type_code: str
    resource_type_name: str
    resource_spec_code: str
    product_spec_desc: str | None
    region_code: str
    charging_mode: int
    period_type: int | None
    period_num: int | None
    quantity: int
    attach_to: int | None  # position of its main line
    measure_size: DecimalText | None
    size_measure_id: int | None
    currency: str
    official_amount: Money
    discount_amount: Money
    amount_after_discount: Money
    granted_discount_amount: Money  # of the discount that the order carries
    discount_type: int | None
    discount_ratio: DecimalText | None
    coupon_discount_amount: Money  # of a discount coupon, once it is paid
    coupon_amount: Money
    flexipurchase_coupon_amount: Money
    stored_card_amount: Money
    cash_amount: Money
    credit_amount: Money
    effective_at: datetime | None
    expire_at: datetime | None


class OrderAnswer(NativeAnswer):
    """An order, whole."""

    order_id: str
    customer_id: str
    partner_id: str
    distributor_id: str | None
    # 1 to be reviewed, 2 to be refunded, 3 processing, 4 cancelled, 5 completed, 6 pending payment,
    # 9 to be confirmed
    status: int
    order_type: int
    source_type: int
    currency: str
    service_type_code: str
    service_type_name: str
    official_amount: Money
    discount_amount: Money
    amount_after_discount: Money
    discount_id: str | None
    discount_type: int | None
    granted_discount_amount: Money
    coupon_discount_amount: Money
    coupon_amount: Money
    flexipurchase_coupon_amount: Money
    stored_card_amount: Money
    cash_amount: Money
    credit_amount: Money
    is_combined: bool
    placed_by: str
    user_name: str | None
    paying_agent_id: str | None
    paying_partner_id: str | None
    payment_request_id: str | None
    created_at: datetime
    pay_until: datetime | None
    pay_before: datetime | None
    paid_at: datetime | None
    completed_at: datetime | None
    ended_at: datetime | None
    end_reason: str | None
    version: int
    lines: list[OrderLineAnswer]


class OrdersAnswer(NativeAnswer):
    """Orders that were placed together, in the order they were asked for."""

    orders: list[OrderAnswer]


def native_order(order: Order) -> OrderAnswer:
    """The order with its lines, each with the order's currency."""
    lines = [OrderLineAnswer.of(line, currency=order.currency) for line in order.lines]
    return OrderAnswer.of(order, lines=lines)
