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
    # 0 day, 1 week, 2 month, 3 year, 4 hour, 5 one-time; none for on-demand
    period_type: int | None = None
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
    coupon_type: int  # 1 cash, 2 discount, 3 product, 4 flexi
    amount: Money


class OrderEvent(Event):
    """The order's whole state after the fact."""

    STREAM: ClassVar[str] = "order"
    VERSION: ClassVar[str] = "1.2"
    KEY: ClassVar[str] = "customer_id"
    SUBJECT: ClassVar[str] = "order_id"

    order_id: str
    customer_id: str
    # 1 new, 2 renewal, 3 change, 4 unsubscription, 10 period to on-demand, 11 on-demand to period,
    # 13 trial, 14 trial to commercial, 15 fee adjustment
    order_type: int
    # 1 to be reviewed, 2 to be refunded, 3 processing, 4 cancelled, 5 completed, 6 pending payment,
    # 9 to be confirmed
    status: int
    # 1 customer, 2 partner on its behalf, 3 contract, 4 distributor, 5 page deletion,
    # 6 supplementary, 7 compensation, 8 system
    source_type: int
    currency: str  # "CNY" on the China site, "USD" on the international one
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
    # Why it was cancelled: "cancelled" (by the customer), "refused" (in review), "expired" (unpaid
    # until its deadline), "association_ended" (its customer left the partner); none if it was not
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
    """The attempt succeeded: its coupons are to be captured and its money too.

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
    reason_code: str  # the refusal that the payer heard, such as "CBC.99003112"


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
    charging_mode: int  # 1 period, 3 on-demand
    # Of a period resource: 2 in use, 3 closed, 4 frozen, 5 expired. Of an on-demand one: 1 normal,
    # 2 in grace, 3 frozen, 4 changing, 5 closing, 6 closed
    status: int
    effective_at: AwareDatetime
    expire_at: AwareDatetime | None = None  # none for on-demand resources


class ResourceOpened(ResourceEvent):
    """The resource exists and may be used."""

    TYPE: ClassVar[str] = "resource.opened"
