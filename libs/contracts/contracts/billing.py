"""What billing states, on the stream `billing`; keyed by the owner of the account."""

from typing import ClassVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from contracts.audience import ForCustomer, ForPartner, ForPayer
from contracts.event import Event, Money, Quantity


class BillingFundsMoved(Event):
    """Money moved on one account; a transfer is stated once for each side.

    `balance` and `held` are the account's after it; what may be spent is `balance - held`.
    """

    STREAM: ClassVar[str] = "billing"
    TYPE: ClassVar[str] = "billing.funds_moved"
    VERSION: ClassVar[str] = "1.1"
    KEY: ClassVar[str] = "owner_id"
    SUBJECT: ClassVar[str] = "account_id"

    account_id: ForCustomer[str]
    owner_id: ForCustomer[str]  # customer or partner
    owner_kind: ForCustomer[str]  # "customer" | "partner"
    account_type: ForCustomer[int]  # 1 balance, 2 credit, 5 bonus, 7 deposit, 8 transferable
    currency: ForCustomer[str]  # "CNY" on the China site, "USD" on the international one
    amount: ForCustomer[Money]  # signed: positive into the account
    balance: ForCustomer[Money]
    held: ForCustomer[Money]
    credit_amount: ForCustomer[Money | None] = None  # the whole credit line, type 2 only
    expires_at: ForCustomer[AwareDatetime | None] = None  # of credit that ends; it is one account
    movement_id: ForCustomer[str]
    # The vendor's trade_detail_type in its spelling: a transfer is "SOURCE_OPERATION_BEADJUST", a
    # reclaim "SOURCE_OPERATION_BERETRIEVE", an unlinking "SOURCE_OPERATION_BEUNBIND", a top-up
    # "SOURCE_OPERAIION_RECHARGE", a credit line "SOURCE_OPERAIION_ADJUST_CREDIT", an order
    # "SOURCE_OPERAIION_DEDEUCT", its refund "SOURCE_OPERAIION_UNSUBSCRIBE", usage
    # "SOURCE_OPERAIION_USAGE", arrears paid "SOURCE_OPERAIION_WRITEOFF", credit that ended
    # "SOURCE_OPERAIION_EXPIRECLEAR", an adjustment and what an enterprise master moves to and from
    # its members "SOURCE_OPERAIION_ADJUST"; ours are "HOLD", "RELEASE" and "RESTATED"
    reason: ForCustomer[str]
    counterparty_id: ForPartner[str | None] = None
    order_id: ForCustomer[str | None] = None


class LineEvent(Event):
    """A line of a customer's bill, whole, after the fact.

    The official amount is discount + truncation + payable; the payable is what coupons, stored
    value card, bonus, cash, credit, debt and what was written off of the debt add up to.
    """

    STREAM: ClassVar[str] = "billing"
    KEY: ClassVar[str] = "customer_id"
    SUBJECT: ClassVar[str] = "line_id"
    PAYERS: ClassVar[tuple[str, ...]] = ("payer_id",)

    line_id: ForCustomer[str]
    customer_id: ForCustomer[str]
    bill_cycle: ForCustomer[str]  # YYYY-MM, Beijing
    # 1 new, 2 renewal, 3 change, 4 refund of an unsubscription, 5 usage, 8 automatic renewal,
    # 9 compensation, 14 support plan, 16 deduction, 18 monthly payment, 20 refund of a change,
    # 23 savings plan, 24 refund of a conversion, 25 truncation top-up, 103 yearly payment
    bill_type: ForCustomer[int]
    charging_mode: ForCustomer[int]  # 1 period, 3 on-demand, 10 reserved instance, 11 savings plan
    order_id: ForCustomer[str | None] = None
    # Of a part that is shown under its instance the instance's, as service and resource type
    resource_id: ForCustomer[str | None] = None
    service_type_code: ForCustomer[str]
    service_type_name: ForCustomer[str]
    resource_type_code: ForCustomer[str]
    # What such a part is itself; none: the line stands as what it is
    sub_service_type_code: ForCustomer[str | None] = None
    sub_resource_type_code: ForCustomer[str | None] = None
    sub_resource_id: ForCustomer[str | None] = None
    region_code: ForCustomer[str]
    trade_time: ForCustomer[AwareDatetime]  # when it counts: of usage its end, unless that is late
    used_from: ForCustomer[AwareDatetime | None] = None  # of usage, where it is known
    used_until: ForCustomer[AwareDatetime | None] = None  # of usage
    currency: ForCustomer[str]  # "CNY" on the China site, "USD" on the international one
    official_amount: ForCustomer[Money]
    official_discount_amount: ForCustomer[Money]
    erase_amount: ForCustomer[Money]
    payment_amount: ForCustomer[Money]
    coupon_amount: ForCustomer[Money]
    flexipurchase_coupon_amount: ForCustomer[Money]
    # None of these two in events of before they were told
    stored_value_card_amount: ForCustomer[Money | None] = None
    bonus_amount: ForCustomer[Money | None] = None
    cash_amount: ForPayer[Money]
    credit_amount: ForPayer[Money]
    debt_amount: ForPayer[Money]  # that is still owed
    writeoff_amount: ForPayer[Money | None] = None  # that was owed and is paid
    # The enterprise master that paid for its member; none: itself
    payer_id: ForCustomer[str | None] = None


class BillingLineRecorded(LineEvent):
    """A line was added to a customer's bill."""

    TYPE: ClassVar[str] = "billing.line_recorded"
    VERSION: ClassVar[str] = "1.3"


class BillingLineSettled(LineEvent):
    """Money came in and wrote debt off on the line; it moved from debt to what was written off.

    Or the credit that paid it was taken back by an enterprise master: then it is owed.
    """

    TYPE: ClassVar[str] = "billing.line_settled"
    VERSION: ClassVar[str] = "1.1"

    settled_amount: ForPayer[Money]  # of the debt, by this fact; below zero: that much more is owed


class ArrearsEvent(Event):
    """What a customer owes after the fact."""

    STREAM: ClassVar[str] = "billing"
    KEY: ClassVar[str] = "customer_id"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: ForCustomer[str]
    currency: ForCustomer[str]  # "CNY" on the China site, "USD" on the international one
    debt_amount: ForCustomer[Money]  # all that is owed after the fact


class BillingArrearsOpened(ArrearsEvent):
    """A charge was larger than what the customer had."""

    TYPE: ClassVar[str] = "billing.arrears_opened"


class BillingArrearsCleared(ArrearsEvent):
    """Money came in and wrote debt off; `debt_amount` is what is still owed."""

    TYPE: ClassVar[str] = "billing.arrears_cleared"

    writeoff_amount: ForCustomer[Money]


class BillingPackageDeducted(Event):
    """Usage was taken from a package in place of being charged.

    What was left is of the item in that cycle; the cycle's amount is given once, by its begin.
    """

    STREAM: ClassVar[str] = "billing"
    TYPE: ClassVar[str] = "billing.package_deducted"
    KEY: ClassVar[str] = "customer_id"
    SUBJECT: ClassVar[str] = "deduction_id"

    deduction_id: ForCustomer[str]
    customer_id: ForCustomer[str]
    package_id: ForCustomer[str]
    free_resource_id: ForCustomer[str]  # the package's item
    record_id: ForCustomer[str]  # of the usage
    cycle_begin_at: ForCustomer[AwareDatetime]
    cycle_end_at: ForCustomer[AwareDatetime]  # the first instant behind the cycle
    number: ForCustomer[int]  # of the item's deductions in the cycle, from 1
    resource_id: ForCustomer[str]  # that was used
    resource_type_code: ForCustomer[str]
    resource_type_name: ForCustomer[str]
    usage_type_code: ForCustomer[str]  # "Duration": time, of a linear product times size
    measure_id: ForCustomer[int]  # unit of the amounts: 4 hour, 17 GB
    available_amount: ForCustomer[Quantity]  # before
    used_amount: ForCustomer[Quantity]
    remaining_amount: ForCustomer[Quantity]  # after
    used_from: ForCustomer[AwareDatetime | None] = None  # none where usage is not a time
    used_until: ForCustomer[AwareDatetime]
    deducted_at: ForCustomer[AwareDatetime]


class DiscountStep(BaseModel):
    """Whatever lies above so many units has that ratio or price, up to the next step."""

    model_config = ConfigDict(frozen=True)

    above: ForCustomer[str]  # units of the product: pieces of an order, or a cycle's use
    value: ForCustomer[str]  # ratio that is payable, or price of a unit


class DiscountEvent(Event):
    """A discount of a customer's orders and use, whole, after the fact."""

    VERSION: ClassVar[str] = "1.1"
    STREAM: ClassVar[str] = "billing"
    KEY: ClassVar[str] = "customer_id"
    SUBJECT: ClassVar[str] = "discount_id"

    discount_id: ForCustomer[str]
    # Whose it is: a customer, or a partner, for all resale customers of it
    customer_id: ForCustomer[str]
    name: ForCustomer[str]
    discount_type: ForCustomer[int]  # 0 promotion, 1 contract, 2 commercial, 3 by the partner
    discount_mode: ForCustomer[int]  # 0 ratio, 1 fixed price, 2 reduction, 3 price of a unit
    discount_value: ForCustomer[str]  # ratio that is payable, fixed price, reduction, unit's price
    currency: ForCustomer[str]  # "CNY" on the China site, "USD" on the international one
    # What it lowers the price of; an empty list does not limit
    service_type_codes: ForCustomer[list[str]] = Field(default_factory=list)
    product_ids: ForCustomer[list[str]] = Field(default_factory=list)
    order_types: ForCustomer[list[int]] = Field(default_factory=list)  # 1 new, 2 renewal, 3, 11
    region_codes: ForCustomer[list[str]] = Field(default_factory=list)
    # "ONDEMAND", "ONETIME", "DAILY", "MONTHLY", "1_YEARLY" to "5_YEARLY"; empty: all but on demand
    charging_modes: ForCustomer[list[str]] = Field(default_factory=list)
    steps: ForCustomer[list[DiscountStep]] = Field(default_factory=list)  # the first above 0
    agreement_number: ForCustomer[str | None] = None  # of the contract that it is an item of
    effective_at: ForCustomer[AwareDatetime]
    expire_at: ForCustomer[AwareDatetime | None] = None  # none: without end
    ended_at: ForCustomer[AwareDatetime | None] = None  # before its time; none: it was not


class BillingDiscountGranted(DiscountEvent):
    """A customer was granted a discount; orders placed in its time may be offered it."""

    TYPE: ClassVar[str] = "billing.discount_granted"


class BillingDiscountEnded(DiscountEvent):
    """A discount was ended before its time; orders that it was offered to keep it."""

    TYPE: ClassVar[str] = "billing.discount_ended"


class BillingExportFinished(Event):
    """An export has ended: its files can be fetched, or there will be none."""

    STREAM: ClassVar[str] = "billing"
    TYPE: ClassVar[str] = "billing.export_finished"
    KEY: ClassVar[str] = "partner_id"
    SUBJECT: ClassVar[str] = "export_id"

    export_id: ForPartner[str]
    bill_cycle: ForPartner[str]  # YYYY-MM, Beijing
    format: ForPartner[str]  # "csv", "xlsx", "parquet", "focus"
    view: ForPartner[str]  # "customers_pay", "partner_owes"
    status: ForPartner[str]  # "ready", "failed", "cancelled"
    rows: ForPartner[int]
    expires_at: ForPartner[AwareDatetime | None] = None  # then the files are gone
    subscription_id: ForPartner[str | None] = None  # that asked for it; none: a person or program


class BillingDeliveryFailed(Event):
    """A subscription's file could not be written to where it belongs."""

    STREAM: ClassVar[str] = "billing"
    TYPE: ClassVar[str] = "billing.delivery_failed"
    KEY: ClassVar[str] = "partner_id"
    SUBJECT: ClassVar[str] = "delivery_id"

    delivery_id: ForPartner[str]
    subscription_id: ForPartner[str]
    bill_cycle: ForPartner[str]  # YYYY-MM, Beijing
    file_name: ForPartner[str | None] = None  # none: there was no file to write
    try_number: ForPartner[int]  # from 1; the fifth is the last
    error: ForPartner[str]
    next_try_at: ForPartner[AwareDatetime | None] = None  # none: it is not tried again


class BillingUsageRefused(Event):
    """A usage record of a file was not charged: the meter, or whoever sent it, has to mend it."""

    STREAM: ClassVar[str] = "billing"
    TYPE: ClassVar[str] = "billing.usage_refused"
    KEY: ClassVar[str] = "customer_id"
    SUBJECT: ClassVar[str] = "refusal_id"

    refusal_id: ForPartner[str]
    file_id: ForPartner[str]
    line: ForPartner[int]  # of the file, or of its member; the headings are line 1
    record_id: ForPartner[str | None] = None
    customer_id: ForPartner[str]
    # "CBC.0100" malformed, "CBC.0101" another currency, "CBC.99006006" an unknown product,
    # "CBC.99006024" an unknown unit, "CBC.99006050" a unit that does not fit
    refusal_code: ForPartner[str]
    detail: ForPartner[str]  # in English: the field, and what is wrong with it


class BillingReconciliationFinished(Event):
    """A vendor's bill was compared with ours, or was refused."""

    STREAM: ClassVar[str] = "billing"
    TYPE: ClassVar[str] = "billing.reconciliation_finished"
    KEY: ClassVar[str] = "partner_id"
    SUBJECT: ClassVar[str] = "reconciliation_id"

    reconciliation_id: ForPartner[str]
    bill_cycle: ForPartner[str]  # YYYY-MM, Beijing
    status: ForPartner[str]  # "compared", "refused", "failed"
    rows: ForPartner[int]  # of the vendor's file
    lines: ForPartner[int]  # of ours
    differences: ForPartner[int]


class VoucherShare(BaseModel):
    """What a partner voucher paid of a bill, and what refunds on the bill gave back to it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    voucher_id: ForPartner[str]
    paid_amount: ForPartner[Money]
    restored_amount: ForPartner[Money]
    lapsed_amount: ForPartner[Money]  # of what was restored: the voucher's time was over
    # By this version of the bill: out of the voucher's balance (below zero: back into it), and
    # through the voucher to the vendor. Of a correction it is the difference.
    moved_amount: ForPartner[Money]
    lapsing_amount: ForPartner[Money]


class UsageCoupon(BaseModel):
    """What a coupon, or a stored value card, paid of usage."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    coupon_id: ForCustomer[str]
    amount: ForCustomer[Money]


class BillingUsageCouponsSettled(Event):
    """An attempt to pay usage with coupons ended: with these, or with none where it failed.

    Voucher takes what was paid and frees the rest of what it held for the attempt.
    """

    STREAM: ClassVar[str] = "billing"
    TYPE: ClassVar[str] = "billing.usage_coupons_settled"
    KEY: ClassVar[str] = "customer_id"
    SUBJECT: ClassVar[str] = "attempt_id"

    attempt_id: ForCustomer[str]
    customer_id: ForCustomer[str]  # whose coupons: of a custody member's usage its master
    currency: ForCustomer[str]  # "CNY" on the China site, "USD" on the international one
    coupons: ForCustomer[list[UsageCoupon]]
    # Why nothing was charged, as a refusal's code, such as "CBC.99005003".
    reason_code: ForCustomer[str | None] = None


class BillEvent(Event):
    """What a partner owes for a month, whole, after the fact.

    Due is what the lines came to at settlement prices, less what vouchers paid and was not
    restored, plus adjustments.
    """

    STREAM: ClassVar[str] = "billing"
    KEY: ClassVar[str] = "partner_id"
    SUBJECT: ClassVar[str] = "settlement_id"

    settlement_id: ForPartner[str]
    bill_cycle: ForPartner[str]  # YYYY-MM, Beijing
    number: ForPartner[int]  # of the month's bill, from 1; a later one is a correction
    corrects: ForPartner[str | None] = None  # the settlement before a correction
    corrected_because: ForPartner[str | None] = None  # in the words of who asked for it
    currency: ForPartner[str]  # "CNY" on the China site, "USD" on the international one


class BillingBillSettled(BillEvent):
    """A partner's month was settled: voucher moves the balances of the vouchers that it names."""

    TYPE: ClassVar[str] = "billing.bill_settled"

    lines: ForPartner[int]
    customer_amount: ForPartner[Money]  # what customers are charged
    settlement_amount: ForPartner[Money]  # the same at the partner's prices
    adjustment_amount: ForPartner[Money]
    voucher_amount: ForPartner[Money]  # paid by vouchers, less what was restored to them
    forfeited_amount: ForPartner[Money]  # refunded, and neither money nor restored
    due_amount: ForPartner[Money]
    performance_amount: ForPartner[Money]
    digest: ForPartner[str]  # SHA-256 of the settled lines, in their order
    vouchers: ForPartner[list[VoucherShare]]


class BillingBillPublished(BillEvent):
    """The vouchers have paid what the bill says: it is final until it is corrected."""

    TYPE: ClassVar[str] = "billing.bill_published"

    due_amount: ForPartner[Money]


class BillingCorrectionOpened(BillEvent):
    """Another version of a settled month was asked for; the one before stays as it is."""

    TYPE: ClassVar[str] = "billing.correction_opened"


class BillingCycleClosed(Event):
    """A month is final: what comes late for it stands in the next open one."""

    STREAM: ClassVar[str] = "billing"
    TYPE: ClassVar[str] = "billing.cycle_closed"
    KEY: ClassVar[str] = "bill_cycle"
    SUBJECT: ClassVar[str] = "bill_cycle"

    bill_cycle: ForPartner[str]  # YYYY-MM, Beijing
    by_itself: ForPartner[bool]  # on the 5th at 12:00 Beijing; else somebody closed it
    # Of the checklist, what was not as it should be and not waived, in the checklist's words
    open_items: ForPartner[list[str]]
