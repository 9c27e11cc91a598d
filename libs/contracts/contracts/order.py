"""What order states, on the stream `order`; keyed by the customer."""

from typing import ClassVar

from pydantic import AwareDatetime, BaseModel, ConfigDict

from contracts.event import Event, Money


class OrderLine(BaseModel):
    """One product of an order. Amounts have 2 decimals."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    line_id: str
    product_id: str
    service_type_code: str
    service_type_name: str
    resource_type_code: str
    resource_type_name: str
    resource_spec_code: str
    region_code: str
    charging_mode: int  # 1 period, 3 on-demand
    period_type: int | None = None  # order codes: 2 month, 3 year
    period_num: int | None = None
    quantity: int = 1
    official_amount: Money
    discount_amount: Money
    amount_after_discount: Money
    measure_size: Money | None = None


class CouponUse(BaseModel):
    """What one coupon pays of an order."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    coupon_id: str
    coupon_type: int  # domain.md B.7: 1 cash, 2 discount, 3 product, 4 flexi
    amount: Money


class OrderEvent(Event):
    """The order's whole state after the fact."""

    STREAM: ClassVar[str] = "order"
    VERSION: ClassVar[str] = "1.2"
    KEY: ClassVar[str] = "customer_id"
    SUBJECT: ClassVar[str] = "order_id"

    order_id: str
    customer_id: str
    order_type: int  # domain.md B.5
    # domain.md B.5: 1 review, 3 processing, 4 cancelled, 5 completed, 6 pending payment, 9 confirm
    status: int
    source_type: int
    currency: str
    service_type_code: str
    official_amount: Money
    discount_amount: Money
    amount_after_discount: Money  # payable before coupons and cards
    coupon_amount: Money  # cash coupons
    flexipurchase_coupon_amount: Money
    lines: list[OrderLine]
    created_at: AwareDatetime
    pay_until: AwareDatetime | None = None
    paid_at: AwareDatetime | None = None
    completed_at: AwareDatetime | None = None
    placed_by: str | None = None
    # Why it was cancelled: cancelled (by the customer), refused (in review), expired (unpaid until
    # its deadline), association_ended (its customer left the partner); none while it goes on.
    end_reason: str | None = None
    # The enterprise master that was asked to pay for its custody member, or did; none: the customer
    paying_agent_id: str | None = None


class OrderCreated(OrderEvent):
    """An order was placed; it waits for review, confirmation or payment."""

    TYPE: ClassVar[str] = "order.created"


class OrderReviewed(OrderEvent):
    """A review or confirmation ended; `status` says how."""

    TYPE: ClassVar[str] = "order.reviewed"


class OrderPaymentRequested(OrderEvent):
    """A custody member asked its enterprise master to pay; nothing is reserved or charged by it."""

    TYPE: ClassVar[str] = "order.payment_requested"


class OrderPaid(OrderEvent):
    """The attempt succeeded: its coupons are to be captured and its money too (design.md 3).

    Both are those of `paying_agent_id`, where there is one, else those of the customer.
    """

    TYPE: ClassVar[str] = "order.paid"

    attempt_id: str
    coupons: list[CouponUse]
    cash_amount: Money
    credit_amount: Money


class OrderPaymentFailed(OrderEvent):
    """The attempt ended unpaid: what it reserved is free again. The order stays payable."""

    TYPE: ClassVar[str] = "order.payment_failed"

    attempt_id: str
    reason_code: str


class OrderCompleted(OrderEvent):
    """Everything ordered is provisioned."""

    TYPE: ClassVar[str] = "order.completed"


class OrderCancelled(OrderEvent):
    """The order was cancelled, or refused in review."""

    TYPE: ClassVar[str] = "order.cancelled"


class OrderExpired(OrderEvent):
    """Nobody paid until the deadline."""

    TYPE: ClassVar[str] = "order.expired"


class ResourceEvent(Event):
    """A resource's whole state after the fact."""

    STREAM: ClassVar[str] = "order"
    KEY: ClassVar[str] = "customer_id"
    SUBJECT: ClassVar[str] = "resource_id"

    resource_id: str
    resource_name: str
    customer_id: str
    order_id: str
    service_type_code: str
    service_type_name: str
    resource_type_code: str
    resource_type_name: str
    resource_spec_code: str
    region_code: str
    charging_mode: int
    status: int  # domain.md B.6: 2 in use (period) or 1 normal (on-demand) when opened
    effective_at: AwareDatetime
    expire_at: AwareDatetime | None = None  # none for on-demand resources


class ResourceOpened(ResourceEvent):
    """The resource exists and may be used."""

    TYPE: ClassVar[str] = "resource.opened"
