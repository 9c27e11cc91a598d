"""What voucher states, on the stream `voucher`; coupons keyed by customer, quotas by partner."""

from typing import ClassVar

from pydantic import AwareDatetime

from contracts.event import Event, Money


class QuotaEvent(Event):
    """A quota's whole state after the fact."""

    STREAM: ClassVar[str] = "voucher"
    KEY: ClassVar[str] = "partner_id"
    SUBJECT: ClassVar[str] = "quota_id"

    quota_id: str
    parent_quota_id: str | None = None
    quota_type: int  # 0 cash coupon quota, 1 flexi quota
    quota_status: int  # 0 normal, 3 invalid, 4 adjusting, 5 frozen, 6 reclaimed
    currency: str  # "CNY" on the China site, "USD" on the international one
    quota_value: Money
    balance: Money
    effective_at: AwareDatetime
    expire_at: AwareDatetime


class VoucherQuotaGranted(QuotaEvent):
    """A partner may issue coupons from a new quota."""

    TYPE: ClassVar[str] = "voucher.quota_granted"


class VoucherEvent(Event):
    """A coupon's whole state after the fact, and its quota's balance where the fact moved it."""

    STREAM: ClassVar[str] = "voucher"
    KEY: ClassVar[str] = "customer_id"
    SUBJECT: ClassVar[str] = "coupon_id"

    coupon_id: str
    quota_id: str | None = None
    customer_id: str
    coupon_type: int  # 1 cash, 2 discount, 3 product, 4 flexi
    status: int  # 1 not activated, 2 usable, 3 used, 4 expired, 5 reclaimed
    currency: str  # "CNY" on the China site, "USD" on the international one
    face_value: Money
    balance: Money
    reserved_amount: Money  # part of the balance that an open payment attempt holds
    effective_at: AwareDatetime
    expire_at: AwareDatetime
    quota_balance: Money | None = None


class VoucherIssued(VoucherEvent):
    """A customer got a coupon."""

    TYPE: ClassVar[str] = "voucher.issued"


class VoucherReserved(VoucherEvent):
    """A payment attempt holds the coupon."""

    TYPE: ClassVar[str] = "voucher.reserved"

    order_id: str
    attempt_id: str
    amount: Money


class VoucherReleased(VoucherEvent):
    """The attempt failed; the coupon is free again."""

    TYPE: ClassVar[str] = "voucher.released"

    order_id: str
    attempt_id: str
    amount: Money


class VoucherRedeemed(VoucherEvent):
    """The coupon paid a part of an order."""

    TYPE: ClassVar[str] = "voucher.redeemed"

    order_id: str
    attempt_id: str
    amount: Money


class VoucherRecalled(VoucherEvent):
    """What was left of the coupon went back to the quota."""

    TYPE: ClassVar[str] = "voucher.recalled"

    amount: Money
    # 2 by hand, 3 on unlinking, 7 on a new association, 8 on a switch, 9 on another reseller
    operation_type: int


class VoucherExpired(VoucherEvent):
    """The coupon's time ran out with a balance left."""

    TYPE: ClassVar[str] = "voucher.expired"

    amount: Money
