"""What voucher states, on the stream `voucher`.

Coupons and cards are keyed by customer; quotas, partner vouchers and applications by partner.
"""

from typing import ClassVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from contracts.audience import ForCustomer, ForPartner
from contracts.event import Event, Money, Quantity


class QuotaEvent(Event):
    """A quota's whole state after the fact."""

    STREAM: ClassVar[str] = "voucher"
    KEY: ClassVar[str] = "partner_id"
    SUBJECT: ClassVar[str] = "quota_id"

    quota_id: ForPartner[str]
    parent_quota_id: ForPartner[str | None] = None
    quota_type: ForPartner[int]  # 0 cash coupon quota, 1 flexi quota
    quota_status: ForPartner[int]  # 0 normal, 3 invalid, 4 adjusting, 5 frozen, 6 reclaimed
    currency: ForPartner[str]  # "CNY" on the China site, "USD" on the international one
    quota_value: ForPartner[Money]
    balance: ForPartner[Money]
    effective_at: ForPartner[AwareDatetime]
    expire_at: ForPartner[AwareDatetime]


class VoucherQuotaGranted(QuotaEvent):
    """A partner may issue coupons from a new quota."""

    TYPE: ClassVar[str] = "voucher.quota_granted"


class VoucherQuotaChanged(QuotaEvent):
    """Its status, value, limits or end changed, or a hand-out to resellers moved its balance."""

    TYPE: ClassVar[str] = "voucher.quota_changed"


class VoucherQuotaReclaimed(QuotaEvent):
    """A distributor took back a reseller's quota, or what came back to it afterwards."""

    TYPE: ClassVar[str] = "voucher.quota_reclaimed"

    amount: ForPartner[Money]


class VoucherEvent(Event):
    """A coupon's whole state after the fact, and its quota's balance where the fact moved it."""

    VERSION: ClassVar[str] = "1.4"
    STREAM: ClassVar[str] = "voucher"
    KEY: ClassVar[str] = "customer_id"
    SUBJECT: ClassVar[str] = "coupon_id"

    coupon_id: ForCustomer[str]
    quota_id: ForPartner[str | None] = None  # none: the vendor issued it itself
    # The holder; of the vendor's own coupons also a partner: then it is the `partner_id`.
    customer_id: ForCustomer[str]
    # 1 cash, 2 discount, 3 product, 4 flexi; never 5: a stored value card has facts of its own
    coupon_type: ForCustomer[int]
    # 0 Huawei cloud services, 1 marketplace, 2 dedicated, 3 hardware
    coupon_group: ForCustomer[int] = 0
    # What the vendor issued it for itself: "test" | "commercial" | "activity"
    origin: ForCustomer[str | None] = None
    status: ForCustomer[int]  # 1 not activated, 2 usable, 3 used, 4 expired, 5 reclaimed
    currency: ForCustomer[str]  # "CNY" on the China site, "USD" on the international one
    face_value: ForCustomer[Money]
    balance: ForCustomer[Money]
    reserved_amount: ForCustomer[Money]  # part of the balance that an open payment attempt holds
    effective_at: ForCustomer[AwareDatetime]
    expire_at: ForCustomer[AwareDatetime]
    quota_balance: ForPartner[Money | None] = None
    # Of a discount coupon, which holds no money: how much of the price is payable, such as "0.9"
    discount_ratio: ForCustomer[Quantity | None] = None
    # Of a sub-coupon: the coupon of its enterprise master that it is a part of
    main_coupon_id: ForCustomer[str | None] = None


class VoucherIssued(VoucherEvent):
    """A customer got a coupon."""

    TYPE: ClassVar[str] = "voucher.issued"


class VoucherActivated(VoucherEvent):
    """Its holder may use a coupon that the vendor had issued without activation."""

    TYPE: ClassVar[str] = "voucher.activated"


class VoucherReserved(VoucherEvent):
    """A payment attempt holds the coupon; of a discount coupon `amount` is what it takes off."""

    TYPE: ClassVar[str] = "voucher.reserved"

    order_id: ForCustomer[str]  # of usage the attempt's
    attempt_id: ForCustomer[str]
    amount: ForCustomer[Money]
    for_usage: ForCustomer[bool] = False  # usage on demand, and no order


class VoucherReleased(VoucherEvent):
    """The attempt failed; the coupon is free again."""

    TYPE: ClassVar[str] = "voucher.released"

    order_id: ForCustomer[str]  # of usage the attempt's
    attempt_id: ForCustomer[str]
    amount: ForCustomer[Money]
    for_usage: ForCustomer[bool] = False  # usage on demand, and no order


class VoucherRedeemed(VoucherEvent):
    """The coupon paid a part of an order."""

    TYPE: ClassVar[str] = "voucher.redeemed"

    order_id: ForCustomer[str]  # of usage the attempt's
    attempt_id: ForCustomer[str]
    amount: ForCustomer[Money]
    for_usage: ForCustomer[bool] = False  # usage on demand, and no order


class VoucherFrozen(VoucherEvent):
    """The administrator froze the coupon: no order may take it, what is held stays held."""

    TYPE: ClassVar[str] = "voucher.frozen"


class VoucherUnfrozen(VoucherEvent):
    """The coupon may be taken again."""

    TYPE: ClassVar[str] = "voucher.unfrozen"


class VoucherRestored(VoucherEvent):
    """A refund gave the coupon back what it had paid, or its quota where the coupon has ended."""

    TYPE: ClassVar[str] = "voucher.restored"

    order_id: ForCustomer[str]  # the unsubscription
    base_order_id: ForCustomer[str]  # that the coupon had paid for
    amount: ForCustomer[Money]
    # The coupon has ended: its quota took the amount, or the vendor where it has none.
    to_quota: ForPartner[bool] = False


class VoucherRecalled(VoucherEvent):
    """What was left of the coupon went back to the quota, or to the vendor that issued it."""

    TYPE: ClassVar[str] = "voucher.recalled"

    amount: ForCustomer[Money]
    # 2 by hand, 3 on unlinking, 7 on a new association, 8 on a switch, 9 on another reseller
    operation_type: ForPartner[int]


class VoucherTransferred(VoucherEvent):
    """An enterprise master handed a part of its coupon to a member, as a sub-coupon.

    Of the sub-coupon `voucher.issued` tells.
    """

    TYPE: ClassVar[str] = "voucher.transferred"

    sub_coupon_id: ForCustomer[str]
    member_id: ForCustomer[str]
    amount: ForCustomer[Money]


class VoucherRetrieved(VoucherEvent):
    """An enterprise master took back what was left of a sub-coupon.

    Of the sub-coupon `voucher.recalled` tells.
    """

    TYPE: ClassVar[str] = "voucher.retrieved"

    sub_coupon_id: ForCustomer[str]
    member_id: ForCustomer[str]
    amount: ForCustomer[Money]


class VoucherExpired(VoucherEvent):
    """The coupon's time ran out with a balance left."""

    TYPE: ClassVar[str] = "voucher.expired"

    amount: ForCustomer[Money]


class CardEvent(Event):
    """The whole state, after the fact, of a stored value card that the vendor gave to a customer.

    A hold is not stated: it moves nothing.
    """

    VERSION: ClassVar[str] = "1.1"
    STREAM: ClassVar[str] = "voucher"
    KEY: ClassVar[str] = "customer_id"
    SUBJECT: ClassVar[str] = "card_id"

    card_id: ForCustomer[str]
    card_name: ForCustomer[str]
    customer_id: ForCustomer[str]
    status: ForCustomer[int]  # 1 usable, 2 used up, 4 ended by time
    currency: ForCustomer[str]  # "CNY" on the China site, "USD" on the international one
    face_value: ForCustomer[Money]
    balance: ForCustomer[Money]
    effective_at: ForCustomer[AwareDatetime]
    expire_at: ForCustomer[AwareDatetime]


class VoucherCardGiven(CardEvent):
    """A customer got a stored value card."""

    TYPE: ClassVar[str] = "voucher.card_given"


class VoucherCardUsed(CardEvent):
    """The card paid a part of an order."""

    TYPE: ClassVar[str] = "voucher.card_used"

    order_id: ForCustomer[str]  # of usage the attempt's
    attempt_id: ForCustomer[str]
    amount: ForCustomer[Money]
    for_usage: ForCustomer[bool] = False  # usage on demand, and no order


class VoucherCardRestored(CardEvent):
    """A refund gave the card back what it had paid; a card that was used up is usable again."""

    TYPE: ClassVar[str] = "voucher.card_restored"

    order_id: ForCustomer[str]  # the unsubscription
    base_order_id: ForCustomer[str]  # that the card had paid for
    amount: ForCustomer[Money]
    lapsed: ForCustomer[bool] = False  # its time was over: the amount is lost to the card


class VoucherCardEnded(CardEvent):
    """The card's time ran out with a balance left."""

    TYPE: ClassVar[str] = "voucher.card_ended"

    amount: ForCustomer[Money]


class VoucherLimits(BaseModel):
    """What a partner voucher may pay for; an empty list does not limit."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    customer_ids: ForPartner[list[str]] = Field(default_factory=list)
    service_type_codes: ForPartner[list[str]] = Field(default_factory=list)
    product_ids: ForPartner[list[str]] = Field(default_factory=list)
    region_codes: ForPartner[list[str]] = Field(default_factory=list)
    # 1 period, 3 on-demand, 10 reserved instance, 11 savings plan
    charging_modes: ForPartner[list[int]] = Field(default_factory=list)


class PartnerVoucherEvent(Event):
    """The whole state, after the fact, of a voucher that the vendor gave to a partner."""

    VERSION: ClassVar[str] = "1.1"
    STREAM: ClassVar[str] = "voucher"
    KEY: ClassVar[str] = "partner_id"
    SUBJECT: ClassVar[str] = "voucher_id"

    voucher_id: ForPartner[str]
    origin: ForPartner[str]  # "incentive": for earnings, "poc": for a proof of concept
    status: ForPartner[int]  # 2 usable, 3 used, 4 expired
    currency: ForPartner[str]  # "CNY" on the China site, "USD" on the international one
    face_value: ForPartner[Money]
    balance: ForPartner[Money]
    effective_at: ForPartner[AwareDatetime]
    expire_at: ForPartner[AwareDatetime]
    limits: ForPartner[VoucherLimits | None] = None  # None in events of before they were told


class VoucherPartnerVoucherGranted(PartnerVoucherEvent):
    """A partner got a voucher that lowers its bill."""

    TYPE: ClassVar[str] = "voucher.partner_voucher_granted"


class VoucherPartnerVoucherUsed(PartnerVoucherEvent):
    """The voucher paid for a line of the partner's bill."""

    TYPE: ClassVar[str] = "voucher.partner_voucher_used"

    settlement_id: ForPartner[str]
    line_id: ForPartner[str]  # of a whole bill, the settlement's id
    amount: ForPartner[Money]


class VoucherPartnerVoucherRestored(PartnerVoucherEvent):
    """A refund gave back what the voucher had paid, in one of the three cases that do."""

    TYPE: ClassVar[str] = "voucher.partner_voucher_restored"

    settlement_id: ForPartner[str]
    line_id: ForPartner[str]  # the refund
    base_line_id: ForPartner[str]  # that the voucher had paid for
    amount: ForPartner[Money]
    lapsed: ForPartner[bool] = False  # its time was over: the amount has gone back to the vendor


class VoucherPartnerVoucherExpired(PartnerVoucherEvent):
    """The voucher's time ran out with a balance left, which pays for earlier lines alone."""

    TYPE: ClassVar[str] = "voucher.partner_voucher_expired"

    amount: ForPartner[Money]


class ApplicationEvent(Event):
    """The whole state of a partner's application for a test coupon, after the fact."""

    VERSION: ClassVar[str] = "1.1"
    STREAM: ClassVar[str] = "voucher"
    KEY: ClassVar[str] = "partner_id"
    SUBJECT: ClassVar[str] = "application_id"

    application_id: ForPartner[str]
    solution_id: ForPartner[str]
    # "pending" | "issued" | "rejected" | "withdrawn"; "approved": before coupons were issued
    status: ForPartner[str]
    currency: ForPartner[str]  # "CNY": they are given on the China site
    amount: ForPartner[Money]
    approved_amount: ForPartner[Money | None] = None
    coupon_id: ForPartner[str | None] = None  # that was issued, as `voucher.issued` says it
    decided_because: ForPartner[str | None] = None  # in the words of whoever decided


class VoucherApplicationSubmitted(ApplicationEvent):
    """A partner asks for a test coupon."""

    TYPE: ClassVar[str] = "voucher.application_submitted"


class VoucherApplicationDecided(ApplicationEvent):
    """The application is approved and its coupon issued, or rejected, or taken back."""

    TYPE: ClassVar[str] = "voucher.application_decided"
