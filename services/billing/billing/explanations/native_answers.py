"""What the native API shows of bill lines and of how they came about."""

from datetime import date, datetime

from wire.native import Exact, Money, NativeAnswer, Price
from wire.types import DecimalText


class BillSumAnswer(NativeAnswer):
    """All lines that are asked for, added up; official = discount + erased + payment."""

    lines: int
    currency: str
    official_amount: Exact
    official_discount_amount: Exact
    erase_amount: Exact
    payment_amount: Money
    coupon_amount: Money
    flexipurchase_coupon_amount: Money
    stored_value_card_amount: Money
    bonus_amount: Money
    cash_amount: Money
    credit_amount: Money
    debt_amount: Money
    writeoff_amount: Money


class BillLineAnswer(NativeAnswer):
    """A line of a customer's bill; what lies below a cent is shown, too."""

    line_id: str
    version: int  # rises when the payment changes
    customer_id: str
    payer_id: str | None  # who paid, where it was not the customer
    partner_id: str
    account_manager_id: str | None
    bill_cycle: str  # YYYY-MM, Beijing
    bill_date: date
    # 1 new, 2 renewal, 3 change, 4 refund of an unsubscription, 5 usage, 8 automatic renewal, 9
    # compensation, 14 support plan, 16 deduction, 18 monthly payment, 20 refund of a change, 23
    # savings plan, 24 refund of a conversion, 25 truncation top-up, 103 yearly payment
    bill_type: int
    charging_mode: int  # 1 period, 3 on-demand, 10 reserved instance, 11 savings plan
    trade_id: str
    order_id: str | None
    usage_record_id: str | None
    resource_id: str | None
    resource_name: str | None
    parent_resource_id: str | None
    root_resource_id: str | None
    # What a part is itself that stands under its instance
    sub_service_type_code: str | None
    sub_resource_type_code: str | None
    sub_resource_id: str | None
    enterprise_project_id: str | None
    service_type_code: str
    service_type_name: str
    resource_type_code: str
    resource_spec_code: str
    product_id: str
    region_code: str
    trade_time: datetime  # when it counts
    known_at: datetime  # since when it stands here
    late_for: str | None  # the closed cycle that it came too late for
    corrects: str | None  # the line that it refunds, corrects or adjusts
    used_from: datetime | None
    used_until: datetime | None
    currency: str
    official_amount: Exact
    official_discount_amount: Exact
    erase_amount: Exact
    payment_amount: Money
    coupon_amount: Money
    flexipurchase_coupon_amount: Money
    stored_value_card_amount: Money
    bonus_amount: Money
    cash_amount: Money
    credit_amount: Money
    debt_amount: Money
    writeoff_amount: Money


class BillLinesAnswer(NativeAnswer):
    """A page of a customer's lines; the sum is of all pages, as known at the same instant."""

    as_known_at: datetime | None
    sums: BillSumAnswer
    bill_lines: list[BillLineAnswer]
    next: str | None


class TierUsed(NativeAnswer):
    """Above so many units, one costs `unit_price`."""

    above: DecimalText
    currency: str
    unit_price: Price


class DiscountUsed(NativeAnswer):
    """The discount that lowered it: ratio (mode 0), price (1, 3) or reduction (2)."""

    discount_id: str
    discount_mode: int
    discount_value: str
    agreement_number: str | None


class PriceUsed(NativeAnswer):
    """The dated row of the catalogue that made a line."""

    product_id: str
    description: str
    valid_from: datetime
    currency: str
    unit_price: Price | None  # null where tiers or steps make the price
    discount_ratio: DecimalText
    amount_before: (
        DecimalText | None
    )  # that the discount's steps go by, of all its use in the cycle
    used_before: DecimalText | None  # in the cycle, where there are tiers: this use goes on there
    tiers: list[TierUsed]
    discount: DiscountUsed | None


class PackageTaken(NativeAnswer):
    """What a package gave, so that it was not charged."""

    package_id: str
    free_resource_id: str
    quantity: DecimalText
    available_quantity: DecimalText  # before it
    measure_id: int


class CouponTaken(NativeAnswer):
    """What one coupon paid of a use."""

    coupon_id: str
    coupon_type: int  # 1 cash, 4 flexi, 5 stored value card
    currency: str
    amount: Money


class PaymentPart(NativeAnswer):
    """What one means paid; `payer_id` is whose account it was."""

    # "coupon", "flexi_coupon", "stored_value_card", "bonus", "cash", "credit", "debt", "write_off"
    means: str
    payer_id: str
    currency: str
    amount: Money


class PaymentChange(NativeAnswer):
    """How the payment changed at an instant: by how much less was owed and more written off."""

    at: datetime
    version: int  # that it had until then
    currency: str
    debt_amount: Money
    writeoff_amount: Money


class VoucherTold(NativeAnswer):
    """What a partner voucher paid of a line, or why it paid nothing."""

    voucher_id: str
    currency: str
    amount: Money  # below zero: got back
    # paid, got_back, lapsed (got back when its time was over); no_voucher_line (an adjustment, a
    # refund, nothing owed); other_customer, other_service_type, other_product, other_region,
    # other_charging_mode, not_yet_effective, expired, used_up; line_covered by those before it
    why: str


class LineSettlement(NativeAnswer):
    """What its partner owes of the line, by the month's current bill."""

    settlement_id: str
    number: int
    currency: str
    # normal, promotion, no_discount, special, adjustment, referral
    settlement_type: str
    settlement_discount: DecimalText
    settlement_amount: Money
    voucher_amount: Money
    forfeited_amount: Money
    due_amount: Money
    vouchers: list[VoucherTold]  # those that paid, then the others in the order of paying


class BillLineExplanation(NativeAnswer):
    """How a line came about, and what became of it."""

    line: BillLineAnswer
    # "usage_record", "order", "adjustment", "charge"
    source: str
    source_id: str
    rule: str | None
    reason: str | None
    # The date of the rule by which the line stands under its instance; null: as what it is
    rolled_up_since: datetime | None
    price: PriceUsed | None
    formula: str | None  # as the vendor writes it; it comes to what is payable less cash coupons
    promotion_type: str | None  # of its discounts, several by comma
    packages: list[PackageTaken]
    payments: list[PaymentPart]
    coupons: list[CouponTaken]  # of a use, in the order in which they were taken
    changes: list[PaymentChange]
    settlement: LineSettlement | None  # null before the bill, and for whoever does not owe it
    corrected_by: list[BillLineAnswer]  # refunds, adjustments and late charges that name the line
