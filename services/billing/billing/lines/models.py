"""What stands on customers' bills, line by line."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, Index, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.models import Tables
from wire.times import beijing_day, cycle_of

ZERO = Decimal("0.00")
Fee = Numeric(38, 8)
Quantity = Numeric(38, 10)


class BillLine(Tables):
    """A line of a customer's bill; both identities are constraints (docs/domain/bills.md B.8).

    Whose customer it was, under which association and manager, is kept as it was when the line was
    written: for an order that is when its event is heard. The table is kept cycle by cycle
    (decision 0133, `cycle_parts.py`): a question that names the cycle reads one part. It has two
    times: when it counts, and since when it is known.
    """

    __tablename__ = "bill_lines"
    __table_args__ = (
        CheckConstraint(
            "official_amount = official_discount_amount + erase_amount + payment_amount", "official"
        ),
        CheckConstraint(
            "payment_amount = cash_amount + credit_amount + coupon_amount"
            " + flexipurchase_coupon_amount + stored_value_card_amount + bonus_amount"
            " + debt_amount + writeoff_amount",
            "payment",
        ),
        CheckConstraint("debt_amount >= 0 AND writeoff_amount >= 0", "arrears"),
        Index("bill_lines_of_partner", "partner_id", "bill_cycle", "customer_id"),
        Index("bill_lines_of_customer", "customer_id", "bill_cycle", "trade_time", "line_id"),
        Index("bill_lines_owed_by", text("coalesce(payer_id, customer_id)"), "trade_time",
              "line_id", postgresql_where=text("debt_amount > 0")),
        Index("bill_lines_of_order", "order_id", postgresql_where=text("order_id IS NOT NULL")),
        Index("bill_lines_correcting", "corrects",
              postgresql_where=text("corrects IS NOT NULL")),
        Index("bill_lines_of_periods", "customer_id", "period_end_at",
              postgresql_where=text("period_end_at IS NOT NULL")),
        {"postgresql_partition_by": "RANGE (bill_cycle)"},
    )  # fmt: skip

    line_id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str]
    # The enterprise master whose account paid for its member; none: the customer's own.
    payer_id: Mapped[str | None]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    association_type: Mapped[str]
    account_manager_id: Mapped[str | None]
    site: Mapped[str]
    currency: Mapped[str]
    bill_cycle: Mapped[str] = mapped_column(primary_key=True)  # YYYY-MM, Beijing
    bill_date: Mapped[date]  # Beijing
    bill_type: Mapped[int]
    charging_mode: Mapped[int]
    trade_id: Mapped[str]  # the order's id, else the movement's (docs/domain/bills.md B.8)
    order_id: Mapped[str | None]
    order_type: Mapped[int | None]
    usage_record_id: Mapped[str | None]
    resource_id: Mapped[str | None]
    resource_name: Mapped[str | None]
    service_type_code: Mapped[str]
    service_type_name: Mapped[str]
    resource_type_code: Mapped[str]
    resource_type_name: Mapped[str]
    resource_spec_code: Mapped[str]
    product_id: Mapped[str]
    region_code: Mapped[str]
    trade_time: Mapped[datetime]
    consume_time: Mapped[datetime]  # of usage: when it ended
    used_from: Mapped[datetime | None]  # of usage, where it is known
    period_type: Mapped[int | None]  # bill codes: 19 year, 20 month
    period_num: Mapped[int | None]
    usage_type: Mapped[str | None]
    usage_amount: Mapped[Decimal | None] = mapped_column(Quantity)
    usage_measure_id: Mapped[int | None]
    # How much of the usage was taken from packages, in a unit of theirs.
    free_resource_usage: Mapped[Decimal | None] = mapped_column(Quantity)
    free_resource_measure_id: Mapped[int | None]
    official_amount: Mapped[Decimal] = mapped_column(Fee)
    official_discount_amount: Mapped[Decimal] = mapped_column(Fee)
    erase_amount: Mapped[Decimal] = mapped_column(Fee)
    payment_amount: Mapped[Decimal]
    coupon_amount: Mapped[Decimal] = mapped_column(default=ZERO)
    flexipurchase_coupon_amount: Mapped[Decimal] = mapped_column(default=ZERO)
    stored_value_card_amount: Mapped[Decimal] = mapped_column(default=ZERO)
    bonus_amount: Mapped[Decimal] = mapped_column(default=ZERO)
    cash_amount: Mapped[Decimal] = mapped_column(default=ZERO)
    credit_amount: Mapped[Decimal] = mapped_column(default=ZERO)
    debt_amount: Mapped[Decimal] = mapped_column(default=ZERO)
    writeoff_amount: Mapped[Decimal] = mapped_column(default=ZERO)
    version: Mapped[int] = mapped_column(server_default=text("1"))
    known_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    # When its payment changed last; what it was before is a LineVersion.
    changed_at: Mapped[datetime | None]
    order_line_id: Mapped[str | None]
    # The closed cycle that it would have stood in, had it come in time.
    late_for: Mapped[str | None]
    # The line that it corrects, refunds or adjusts.
    corrects: Mapped[str | None]
    reason: Mapped[str | None]  # of an adjustment
    # 1 the vendor, 2 the marketplace
    provider_type: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    pre_order_id: Mapped[str | None]  # the order that this one changes or takes back
    relative_order_id: Mapped[str | None]  # of a combined order: the member's
    # What a period order pays: its months share the amount (amortisation).
    period_begin_at: Mapped[datetime | None]
    period_end_at: Mapped[datetime | None]
    # "0" the default project; none: the service knows no projects.
    enterprise_project_id: Mapped[str | None]
    enterprise_project_name: Mapped[str | None]
    customer_label: Mapped[str | None]
    # Of the resource.
    tags: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
    parent_resource_id: Mapped[str | None]
    root_resource_id: Mapped[str | None]
    # Of a child that stands under its instance: what it is itself.
    sub_service_type_code: Mapped[str | None]
    sub_service_type_name: Mapped[str | None]
    sub_resource_type_code: Mapped[str | None]
    sub_resource_type_name: Mapped[str | None]
    sub_resource_id: Mapped[str | None]
    sub_resource_name: Mapped[str | None]
    az_code: Mapped[str | None]
    is_spot: Mapped[bool | None]
    payment_type: Mapped[str | None]  # "ALL_UPFRONT", "PARTIAL_UPFRONT", "NO_UPFRONT"
    product_name: Mapped[str | None]
    spec_size: Mapped[Decimal | None] = mapped_column(Quantity)  # of a linear product
    spec_size_measure_id: Mapped[int | None]
    ri_usage: Mapped[Decimal | None] = mapped_column(Quantity)
    ri_usage_measure_id: Mapped[int | None]
    unit_price: Mapped[Decimal | None] = mapped_column(Quantity)  # of a simple price
    formula: Mapped[str | None]  # as the vendor writes it; its value is payable less cash coupon
    price_id: Mapped[str | None]  # the dated row of the catalogue
    rule: Mapped[str | None]  # that made the line, where it is not the price alone
    # Of a refund: "not_effective", "provisioning_failed", "renewal_not_effective".
    refund_case: Mapped[str | None]
    promotion_type: Mapped[str | None]  # the types of its discounts, several by comma
    # How it came about: the price row, discounts, packages, coupons (`explained.py`).
    reckoned: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))

    def come_late(self, now: datetime) -> None:
        """Its cycle is closed: it counts now, and says for which cycle it is late."""
        self.late_for = self.bill_cycle
        self.trade_time = now
        self.bill_cycle, self.bill_date = cycle_of(now), beijing_day(now)

    def write_off(self, amount: Decimal, now: datetime) -> Decimal:
        """Pay up to `amount` of what the line owes; the part that was taken."""
        paid = min(amount, self.debt_amount)
        self.debt_amount -= paid
        self.writeoff_amount += paid
        self.changed(now)
        return paid

    def owe_credit(self, amount: Decimal, now: datetime) -> None:
        """The credit that paid so much of it was taken back: that is owed now."""
        self.credit_amount -= amount
        self.debt_amount += amount
        self.changed(now)

    def changed(self, now: datetime) -> None:
        """Its payment is another one from now on; the database keeps what it was."""
        self.version += 1
        self.changed_at = now


class ChargedUsage(Tables):
    """A usage record that was charged: once, over all cycles.

    A trigger writes it with the line, whoever writes that.
    """

    __tablename__ = "charged_records"

    record_id: Mapped[str] = mapped_column(primary_key=True)
    line_id: Mapped[str]
    bill_cycle: Mapped[str]
    customer_id: Mapped[str]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]


class LineVersion(Tables):
    """How a line was paid before it changed; a trigger keeps it."""

    __tablename__ = "line_versions"
    __table_args__ = (Index("versions_of_customer", "customer_id", "bill_cycle", "until"),)

    line_id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    bill_cycle: Mapped[str]
    customer_id: Mapped[str]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    until: Mapped[datetime]
    coupon_amount: Mapped[Decimal]
    flexipurchase_coupon_amount: Mapped[Decimal]
    stored_value_card_amount: Mapped[Decimal]
    bonus_amount: Mapped[Decimal]
    cash_amount: Mapped[Decimal]
    credit_amount: Mapped[Decimal]
    debt_amount: Mapped[Decimal]
    writeoff_amount: Mapped[Decimal]


class BillSum(Tables):
    """The lines of a customer on one day that are alike in all that bills group by, summed up.

    Triggers count each line with the statement that writes it or changes how it was paid, so a sum
    is asked of some hundred rows and not of a hundred thousand lines (decision 0134).
    """

    __tablename__ = "bill_sums"
    __table_args__ = (Index("sums_of_partner", "partner_id", "bill_cycle", "customer_id"),)

    bill_cycle: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column(primary_key=True)
    sum_key: Mapped[str] = mapped_column(primary_key=True)  # of the columns from here to the counts
    bill_date: Mapped[date]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    payer_id: Mapped[str | None]
    association_type: Mapped[str]
    account_manager_id: Mapped[str | None]
    customer_label: Mapped[str | None]
    site: Mapped[str]
    currency: Mapped[str]
    service_type_code: Mapped[str]
    service_type_name: Mapped[str]
    resource_type_code: Mapped[str]
    resource_type_name: Mapped[str]
    region_code: Mapped[str]
    charging_mode: Mapped[int]
    bill_type: Mapped[int]
    provider_type: Mapped[int]
    enterprise_project_id: Mapped[str | None]
    lines: Mapped[int]
    zero_lines: Mapped[int]  # of which nothing is payable
    owed_lines: Mapped[int]
    official_amount: Mapped[Decimal] = mapped_column(Fee)
    official_discount_amount: Mapped[Decimal] = mapped_column(Fee)
    erase_amount: Mapped[Decimal] = mapped_column(Fee)
    payment_amount: Mapped[Decimal]
    coupon_amount: Mapped[Decimal]
    flexipurchase_coupon_amount: Mapped[Decimal]
    stored_value_card_amount: Mapped[Decimal]
    bonus_amount: Mapped[Decimal]
    cash_amount: Mapped[Decimal]
    credit_amount: Mapped[Decimal]
    debt_amount: Mapped[Decimal]
    writeoff_amount: Mapped[Decimal]
