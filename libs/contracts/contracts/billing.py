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
    account_type: int  # domain.md B.10: 1 balance, 2 credit, 5 bonus, 7 deposit, 8 transferable
    currency: str
    amount: Money  # signed: positive into the account
    balance: Money
    held: Money
    credit_amount: Money | None = None  # the whole credit line, type 2 only
    movement_id: str
    reason: str  # trade_detail_type, domain.md B.10
    counterparty_id: str | None = None
    order_id: str | None = None


class BillingLineRecorded(Event):
    """A line was added to a customer's bill (identities of domain.md B.8 hold on it)."""

    STREAM: ClassVar[str] = "billing"
    TYPE: ClassVar[str] = "billing.line_recorded"
    VERSION: ClassVar[str] = "1.1"
    KEY: ClassVar[str] = "customer_id"
    SUBJECT: ClassVar[str] = "line_id"

    line_id: str
    customer_id: str
    bill_cycle: str  # YYYY-MM, Beijing
    bill_type: int
    charging_mode: int
    order_id: str | None = None
    resource_id: str | None = None
    service_type_code: str
    service_type_name: str
    resource_type_code: str
    region_code: str
    trade_time: AwareDatetime
    currency: str
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


class BillingArrearsOpened(Event):
    """A charge was larger than what the customer had."""

    STREAM: ClassVar[str] = "billing"
    TYPE: ClassVar[str] = "billing.arrears_opened"
    KEY: ClassVar[str] = "customer_id"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: str
    currency: str
    debt_amount: Money  # all that is owed after the fact


class BillingArrearsCleared(Event):
    """Money came in and wrote debt off; `debt_amount` is what is still owed."""

    STREAM: ClassVar[str] = "billing"
    TYPE: ClassVar[str] = "billing.arrears_cleared"
    KEY: ClassVar[str] = "customer_id"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: str
    currency: str
    debt_amount: Money
    writeoff_amount: Money
