"""What order states, on the stream `order`; keyed by the customer."""

from typing import ClassVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from contracts.audience import ForCustomer, ForPartner, ForPayer
from contracts.event import Event, Money, Quantity

# Earlier attempts of an order that order names when it asks voucher and billing for the next one.
FAILED_ATTEMPTS_MAX = 20


class OrderLine(BaseModel):
    """One product of an order. Amounts have 2 decimals."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    line_id: ForCustomer[str]
    product_id: ForCustomer[str]
    service_type_code: ForCustomer[str]
    service_type_name: ForCustomer[str]
    resource_type_code: ForCustomer[str]
    resource_type_name: ForCustomer[str]
    resource_spec_code: ForCustomer[str]
    region_code: ForCustomer[str]
    charging_mode: ForCustomer[int]  # 1 period, 3 on-demand
    # 0 day, 1 week, 2 month, 3 year, 4 hour, 5 one-time; none for on-demand
    period_type: ForCustomer[int | None] = None
    period_num: ForCustomer[int | None] = None
    quantity: ForCustomer[int] = 1
    official_amount: ForCustomer[Money]
    discount_amount: ForCustomer[Money]
    amount_after_discount: ForCustomer[Money]
    measure_size: ForCustomer[Quantity | None] = None
    resource_id: ForCustomer[str | None] = None  # of an order about a resource that there is
    # In a combined order: the member order that the line belongs to
    member_order_id: ForCustomer[str | None] = None
    # What each means of payment paid of the line, 0.00 before it is paid; none in events before 1.3
    coupon_amount: ForCustomer[Money | None] = None  # cash coupons
    flexipurchase_coupon_amount: ForCustomer[Money | None] = None
    stored_card_amount: ForCustomer[Money | None] = None
    cash_amount: ForPayer[Money | None] = None
    credit_amount: ForPayer[Money | None] = None
    # What the discount that the order carries takes off the line, a part of discount_amount, and
    # the ratio that is payable with it; none where it does not cover the line
    granted_discount_amount: ForCustomer[Money | None] = None
    # 0 promotion, 1 contract, 2 commercial, 3 by the partner, 609 an adjusted price
    discount_type: ForCustomer[int | None] = None
    discount_ratio: ForCustomer[Quantity | None] = None
    # What a discount coupon took off the line when it was paid, a part of discount_amount; none in
    # events before 1.5
    coupon_discount_amount: ForCustomer[Money | None] = None


class CouponPart(BaseModel):
    """What one coupon pays of one line, or a discount coupon takes off it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    line_id: ForCustomer[str]
    amount: ForCustomer[Money]


class CouponUse(BaseModel):
    """What one coupon pays of an order, or a discount coupon takes off its price."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    coupon_id: ForCustomer[str]
    # 1 cash, 2 discount, 3 product, 4 flexi, 5 stored value card, by whose id it goes
    coupon_type: ForCustomer[int]
    amount: ForCustomer[Money]
    # Line by line; empty in events before version 1.3
    lines: ForCustomer[list[CouponPart]] = Field(default_factory=list)


class OrderEvent(Event):
    """The order's whole state after the fact."""

    STREAM: ClassVar[str] = "order"
    VERSION: ClassVar[str] = "1.5"
    KEY: ClassVar[str] = "customer_id"
    SUBJECT: ClassVar[str] = "order_id"
    PAYERS: ClassVar[tuple[str, ...]] = ("paying_agent_id", "paying_partner_id")

    order_id: ForCustomer[str]
    customer_id: ForCustomer[str]
    # 1 new, 2 renewal, 3 change, 4 unsubscription, 10 period to on-demand, 11 on-demand to period,
    # 13 trial, 14 trial to commercial, 15 fee adjustment
    order_type: ForCustomer[int]
    # 1 to be reviewed, 2 to be refunded, 3 processing, 4 cancelled, 5 completed, 6 pending payment,
    # 9 to be confirmed
    status: ForCustomer[int]
    # 1 customer, 2 partner on its behalf, 3 contract, 4 distributor, 5 page deletion,
    # 6 supplementary, 7 compensation, 8 system
    source_type: ForCustomer[int]
    currency: ForCustomer[str]  # "CNY" on the China site, "USD" on the international one
    service_type_code: ForCustomer[str]
    official_amount: ForCustomer[Money]
    discount_amount: ForCustomer[Money]
    amount_after_discount: ForCustomer[Money]  # payable before coupons and cards
    coupon_amount: ForCustomer[Money]  # cash coupons
    flexipurchase_coupon_amount: ForCustomer[Money]
    lines: ForCustomer[list[OrderLine]]
    created_at: ForCustomer[AwareDatetime]
    pay_until: ForCustomer[AwareDatetime | None] = None
    paid_at: ForCustomer[AwareDatetime | None] = None
    completed_at: ForCustomer[AwareDatetime | None] = None
    placed_by: ForPartner[str | None] = None
    # Why it was cancelled: "cancelled" (by the customer), "refused" (in review), "expired" (unpaid
    # until its deadline), "association_ended" (its customer left the partner); none if it was not
    end_reason: ForCustomer[str | None] = None
    # Of an unsubscription, whose amounts are what goes back: what was used up, and the fee
    consumed_amount: ForCustomer[Money | None] = None
    commission_amount: ForCustomer[Money | None] = None
    # The enterprise master that was asked to pay for its custody member, or did; none: the customer
    paying_agent_id: ForCustomer[str | None] = None
    # The partner, where this attempt is, or the payment was, its own at the customer's request
    paying_partner_id: ForCustomer[str | None] = None
    # The customer's open request to its partner to pay the order
    payment_request_id: ForCustomer[str | None] = None
    # The discount that it carries, and its part of discount_amount
    discount_id: ForCustomer[str | None] = None
    # 0 promotion, 1 contract, 2 commercial, 3 by the partner, 609 an adjusted price
    discount_type: ForCustomer[int | None] = None
    granted_discount_amount: ForCustomer[Money | None] = None
    # What a discount coupon took off when it was paid, another part of discount_amount
    coupon_discount_amount: ForCustomer[Money | None] = None
    # From this instant on it can be paid no more; it stays pending until pay_until
    pay_before: ForCustomer[AwareDatetime | None] = None


class OrderCreated(OrderEvent):
    """An order was placed; it waits for review, confirmation or payment."""

    TYPE: ClassVar[str] = "order.created"


class OrderReviewed(OrderEvent):
    """A review or confirmation ended; `status` says how: payable, to be carried out, cancelled."""

    TYPE: ClassVar[str] = "order.reviewed"


class OrderPaymentRequested(OrderEvent):
    """Another account was asked to pay; nothing is reserved or charged by it.

    The enterprise master of a custody member (`paying_agent_id`), or the customer's partner
    (`payment_request_id`).
    """

    TYPE: ClassVar[str] = "order.payment_requested"


class OrderPaymentDeclined(OrderEvent):
    """The request to the partner ended, and the order was not paid by it; it stays payable."""

    TYPE: ClassVar[str] = "order.payment_declined"

    request_id: ForCustomer[str]
    outcome: ForCustomer[str]  # "rejected" by the partner, "withdrawn" by the customer
    remark: ForCustomer[str | None] = None  # what the partner said


class OrderRepriced(OrderEvent):
    """The order carries another discount than before: adjusted by the partner, or chosen."""

    TYPE: ClassVar[str] = "order.repriced"


class OrderPaid(OrderEvent):
    """The attempt succeeded: its coupons are to be captured and its money too.

    Both are those of `paying_agent_id` or `paying_partner_id`, where there is one, else those of
    the customer.
    """

    TYPE: ClassVar[str] = "order.paid"

    attempt_id: ForPayer[str]
    coupons: ForPayer[list[CouponUse]]
    cash_amount: ForPayer[Money]
    credit_amount: ForPayer[Money]


class OrderPaymentFailed(OrderEvent):
    """The attempt ended unpaid: what it reserved is free again. The order stays payable."""

    TYPE: ClassVar[str] = "order.payment_failed"

    attempt_id: ForPayer[str]
    reason_code: ForPayer[str]  # the refusal that the payer heard, such as "CBC.99003112"


class ProvisionedPiece(BaseModel):
    """What became of one piece of a line."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    line_id: ForCustomer[str]
    number: ForCustomer[int]  # 1 for the first of its line
    resource_id: ForCustomer[str | None] = None  # none when it was not opened
    # Why it failed; what was paid for it goes back at once, by an order of the system
    code: ForCustomer[str | None] = None


class OrderProvisioned(OrderEvent):
    """Pieces of the order were opened, or failed; others may still be waited for."""

    TYPE: ClassVar[str] = "order.provisioned"

    pieces: ForCustomer[list[ProvisionedPiece]]


class OrderCompleted(OrderEvent):
    """Everything ordered is provisioned, or was given back because it failed."""

    TYPE: ClassVar[str] = "order.completed"


class OrderCancelled(OrderEvent):
    """The order was cancelled, or refused in review."""

    TYPE: ClassVar[str] = "order.cancelled"


class OrderExpired(OrderEvent):
    """Nobody paid until the deadline."""

    TYPE: ClassVar[str] = "order.expired"


class RefundPart(BaseModel):
    """What goes back of one paid period of a resource, to whoever paid it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    refund_id: ForCustomer[str]
    line_id: ForCustomer[str]  # of the unsubscription
    resource_id: ForCustomer[str]
    base_order_id: ForCustomer[str]  # that paid the period
    base_line_id: ForCustomer[str]
    payer_id: ForCustomer[str | None] = None  # whose money it was; none: the customer's
    # "five_days" (all of a new purchase), "not_effective" (all of a period that has not begun),
    # "conditional" (what is not used up, less the fee), "provisioning_failed" (all of a piece that
    # was never opened), "changed" (what a change of the product costs less)
    rule: ForCustomer[str]
    consumed_amount: ForCustomer[Money]
    commission_amount: ForCustomer[Money]  # the fee
    coupons: ForPayer[list[CouponUse]]  # what goes back to each
    coupon_amount: ForCustomer[Money]  # cash coupons
    flexipurchase_coupon_amount: ForCustomer[Money]
    stored_card_amount: ForCustomer[Money]
    cash_amount: ForPayer[Money]
    credit_amount: ForPayer[Money]


class OrderRefunded(OrderEvent):
    """Something goes back: billing returns the money, voucher the coupons."""

    TYPE: ClassVar[str] = "order.refunded"

    refunds: ForCustomer[list[RefundPart]]


class OrderRefundHeld(OrderEvent):
    """What the order gives back is released; the refund waits until an administrator approves it.

    Nothing is given back by this; `order.refunded` says the same refunds again when it is.
    """

    TYPE: ClassVar[str] = "order.refund_held"

    refunds: ForCustomer[list[RefundPart]]


class ResourcePeriod(BaseModel):
    """A time that is paid for: the purchase, a renewal, or what a change cost more.

    Amounts have 2 decimals.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    period_id: ForCustomer[str]
    order_id: ForCustomer[str]
    line_id: ForCustomer[str]
    begin_at: ForCustomer[AwareDatetime]
    end_at: ForCustomer[AwareDatetime | None] = None  # none for what is bought once for all time
    official_amount: ForCustomer[Money]
    amount_after_discount: ForCustomer[Money]  # what all means of payment paid of it
    # The period in effect that a change was paid on top of; none for a period itself
    base_period_id: ForCustomer[str | None] = None


class ResourceEvent(Event):
    """A resource's whole state after the fact."""

    VERSION: ClassVar[str] = "1.4"
    STREAM: ClassVar[str] = "order"
    KEY: ClassVar[str] = "customer_id"
    SUBJECT: ClassVar[str] = "resource_id"

    resource_id: ForCustomer[str]
    resource_name: ForCustomer[str]
    customer_id: ForCustomer[str]
    order_id: ForCustomer[str]
    service_type_code: ForCustomer[str]
    service_type_name: ForCustomer[str]
    resource_type_code: ForCustomer[str]
    resource_type_name: ForCustomer[str]
    resource_spec_code: ForCustomer[str]
    region_code: ForCustomer[str]
    charging_mode: ForCustomer[int]  # 1 period, 3 on-demand
    # Of a period resource: 2 in use, 3 closed, 4 frozen, 5 expired. Of an on-demand one: 1 normal,
    # 2 in grace, 3 frozen, 4 changing, 5 closing, 6 closed
    status: ForCustomer[int]
    effective_at: ForCustomer[AwareDatetime]
    expire_at: ForCustomer[AwareDatetime | None] = None  # none for on-demand resources
    # The resource that this one is attached to; none for a main resource
    main_resource_id: ForCustomer[str | None] = None
    product_id: ForCustomer[str | None] = None
    product_spec_desc: ForCustomer[str | None] = None  # the catalogue's words
    measure_size: ForCustomer[Quantity | None] = None  # of a linear product, such as a disk
    size_measure_id: ForCustomer[int | None] = None  # its unit: 15 Mbps, 17 GB, 14 pieces
    # At the end: 0 grace, 1 on demand, 2 deleted, 3 renewed, 4 frozen, 5 deleted after retention
    expire_policy: ForCustomer[int] = 0
    # What is paid for and not given back, the earliest first; empty in events before version 1.1
    periods: ForCustomer[list[ResourcePeriod]] = Field(default_factory=list)
    # Each automatic renewal is for one: 2 month, 3 year; none while it is off
    auto_renew_period_type: ForCustomer[int | None] = None
    # How many of them are left; none: it is off, or without a limit
    auto_renewals_left: ForCustomer[int | None] = None
    # When the next one is tried; none: it is off, or told with the main resource
    next_renewal_at: ForCustomer[AwareDatetime | None] = None
    # "CNY" on the China site, "USD" on the international one; none in events before version 1.3
    currency: ForCustomer[str | None] = None


class ResourceOpened(ResourceEvent):
    """The resource exists and may be used."""

    TYPE: ClassVar[str] = "resource.opened"


class ResourceChanged(ResourceEvent):
    """The resource is another, ends at another time, or its customer began or ceased to owe.

    Or its customer has another partner, whose it is from now on.
    """

    TYPE: ClassVar[str] = "resource.changed"


class ResourceUnsubscribed(ResourceEvent):
    """The resource was given back."""

    TYPE: ClassVar[str] = "resource.unsubscribed"


class ResourceRenewed(ResourceEvent):
    """A further period was paid; it begins where the last one ended."""

    TYPE: ClassVar[str] = "resource.renewed"

    renewal_order_id: ForCustomer[str]
    is_automatic: ForCustomer[bool]


class ResourceRenewalFailed(ResourceEvent):
    """An automatic renewal would not have succeeded: no order was made, nothing was paid."""

    TYPE: ClassVar[str] = "resource.renewal_failed"

    reason_code: ForCustomer[str]  # why, such as "CBC.99005003": the balance is not sufficient


class ResourceSettingsChanged(ResourceEvent):
    """What becomes of the resource at its end was set anew."""

    TYPE: ClassVar[str] = "resource.settings_changed"


class ResourceExpiring(ResourceEvent):
    """The resource ends soon; told once each 30, 15, 7, 3 and 1 days before."""

    TYPE: ClassVar[str] = "resource.expiring"

    days_before: ForCustomer[int]


class ResourceExpired(ResourceEvent):
    """What was paid for is over; the resource is in its grace period and can be renewed."""

    TYPE: ClassVar[str] = "resource.expired"


class ResourceFrozen(ResourceEvent):
    """The resource may not be used: it is retained behind its end, and can be renewed until then.

    Or its customer is frozen with all it has, or owes too long.
    """

    TYPE: ClassVar[str] = "resource.frozen"


class ResourceUnfrozen(ResourceEvent):
    """The resource is not frozen any more: it is what it was, or what its time has made of it."""

    TYPE: ClassVar[str] = "resource.unfrozen"


class ResourceClosed(ResourceEvent):
    """The resource and its data are gone for good; nothing goes back for it."""

    TYPE: ClassVar[str] = "resource.closed"


class PackageItem(BaseModel):
    """So much use of some products, in the unit `measure_id`: 4 hour, 17 GB, 14 pieces."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    free_resource_id: ForCustomer[str]
    usage_type_code: ForCustomer[str]  # "Duration": time, of a linear product times size
    usage_type_name: ForCustomer[str]
    resource_type_code: ForCustomer[str]
    resource_spec_codes: ForCustomer[list[str]]
    measure_id: ForCustomer[int]
    original_amount: ForCustomer[Quantity]  # of one cycle, or of the whole time where there is none
    amount: ForCustomer[Quantity]  # what is left of it in the package's cycle


class PackageEvent(Event):
    """A package's whole state after the fact."""

    STREAM: ClassVar[str] = "order"
    KEY: ClassVar[str] = "customer_id"
    SUBJECT: ClassVar[str] = "package_id"

    package_id: ForCustomer[str]
    customer_id: ForCustomer[str]
    order_id: ForCustomer[str]
    product_id: ForCustomer[str]
    product_name: ForCustomer[str]
    service_type_code: ForCustomer[str]
    service_type_name: ForCustomer[str]
    region_code: ForCustomer[str]
    quota_reuse_mode: ForCustomer[int]  # 1 full again at each cycle's begin, 2 never again
    quota_reuse_cycle: ForCustomer[int | None] = None  # 1 hour, 2 day, 3 week, 4 month, 5 year
    quota_reuse_cycle_type: ForCustomer[int | None] = None  # 1 natural, 2 from its begin
    status: ForCustomer[int]  # 0 not begun, 1 in effect, 2 used up, 3 over, 4 unsubscribed
    effective_at: ForCustomer[AwareDatetime]
    expire_at: ForCustomer[AwareDatetime]  # its last second
    # The cycle that the items speak of: the newest that something was taken from
    cycle_begin_at: ForCustomer[AwareDatetime]
    cycle_end_at: ForCustomer[AwareDatetime]  # the first instant behind it
    items: ForCustomer[list[PackageItem]]


class PackageOpened(PackageEvent):
    """A package was bought; with status 0 it begins later."""

    TYPE: ClassVar[str] = "package.opened"


class PackageReset(PackageEvent):
    """The package begins, or is full again after a cycle in which something was taken."""

    TYPE: ClassVar[str] = "package.reset"


class PackageUsedUp(PackageEvent):
    """Nothing is left of the package, and nothing is to come."""

    TYPE: ClassVar[str] = "package.used_up"


class PackageEnded(PackageEvent):
    """The package's time is over."""

    TYPE: ClassVar[str] = "package.ended"


class PackageUnsubscribed(PackageEvent):
    """The package was given back; nothing of it had been used."""

    TYPE: ClassVar[str] = "package.unsubscribed"


class ResourceConverted(ResourceEvent):
    """The resource is charged otherwise from now on: by use, or for a period; it is the same one.

    `charging_mode` says how.
    """

    TYPE: ClassVar[str] = "resource.converted"
