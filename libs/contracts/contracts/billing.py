"""What billing states, on the stream `billing`; keyed by the owner of the account."""

from typing import ClassVar

from pydantic import AwareDatetime

from contracts.event import Event, Money


class BillingFundsMoved(Event):
    """Money moved on one account; a transfer is stated once for each side.

    `balance` and `held` are the account's after it; what may be spent is `balance - held`.
    """

    STREAM: ClassVar[str] = "billing"
    TYPE: ClassVar[str] = "billing.funds_moved"
    KEY: ClassVar[str] = "owner_id"
    SUBJECT: ClassVar[str] = "account_id"

    account_id: str
    owner_id: str  # customer or partner
    owner_kind: str  # "customer" | "partner"
    account_type: int  # 1 balance, 2 credit, 5 bonus, 7 deposit, 8 transferable
    currency: str  # "CNY" on the China site, "USD" on the international one
    amount: Money  # signed: positive into the account
    balance: Money
    held: Money
    credit_amount: Money | None = None  # the whole credit line, type 2 only
    movement_id: str
    # The vendor's trade_detail_type in its spelling: a transfer is "SOURCE_OPERATION_BEADJUST", a
    # reclaim "SOURCE_OPERATION_BERETRIEVE", an unlinking "SOURCE_OPERATION_BEUNBIND", a top-up
    # "SOURCE_OPERAIION_RECHARGE", a credit line "SOURCE_OPERAIION_ADJUST_CREDIT", an order
    # "SOURCE_OPERAIION_DEDEUCT", usage "SOURCE_OPERAIION_USAGE", arrears paid
    # "SOURCE_OPERAIION_WRITEOFF"; ours are "HOLD", "RELEASE" and "RESTATED"
    reason: str
    counterparty_id: str | None = None
    order_id: str | None = None


class BillingLineRecorded(Event):
    """A line was added to a customer's bill.

    The official amount is discount + truncation + payable; the payable is what coupons, cash,
    credit and debt add up to.
    """

    STREAM: ClassVar[str] = "billing"
    TYPE: ClassVar[str] = "billing.line_recorded"
    VERSION: ClassVar[str] = "1.1"
    KEY: ClassVar[str] = "customer_id"
    SUBJECT: ClassVar[str] = "line_id"

    line_id: str
    customer_id: str
    bill_cycle: str  # YYYY-MM, Beijing
    # 1 new, 2 renewal, 3 change, 4 refund of an unsubscription, 5 usage, 8 automatic renewal,
    # 9 compensation, 14 support plan, 16 deduction, 18 monthly payment, 20 refund of a change,
    # 23 savings plan, 24 refund of a conversion, 25 truncation top-up, 103 yearly payment
    bill_type: int
    charging_mode: int  # 1 period, 3 on-demand, 10 reserved instance, 11 savings plan
    order_id: str | None = None
    resource_id: str | None = None
    service_type_code: str
    service_type_name: str
    resource_type_code: str
    region_code: str
    trade_time: AwareDatetime
    currency: str  # "CNY" on the China site, "USD" on the international one
    official_amount: Money
    official_discount_amount: Money
    erase_amount: Money
    payment_amount: Money
    coupon_amount: Money
    flexipurchase_coupon_amount: Money
    cash_amount: Money
    credit_amount: Money
    debt_amount: Money
    payer_id: str | None = None  # the enterprise master that paid for its member; none: itself


class ArrearsEvent(Event):
    """What a customer owes after the fact."""

    STREAM: ClassVar[str] = "billing"
    KEY: ClassVar[str] = "customer_id"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: str
    currency: str  # "CNY" on the China site, "USD" on the international one
    debt_amount: Money  # all that is owed after the fact


class BillingArrearsOpened(ArrearsEvent):
    """A charge was larger than what the customer had."""

    TYPE: ClassVar[str] = "billing.arrears_opened"


class BillingArrearsCleared(ArrearsEvent):
    """Money came in and wrote debt off; `debt_amount` is what is still owed."""

    TYPE: ClassVar[str] = "billing.arrears_cleared"

    writeoff_amount: Money
