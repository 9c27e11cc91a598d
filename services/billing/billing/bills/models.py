"""Bill lines."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, Index, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.accounts.models import ZERO
from billing.models import Tables

Fee = Numeric(38, 8)


class BillLine(Tables):
    """A line of a customer's bill; both identities are constraints (docs/domain/bills.md B.8).

    Whose customer it was, under which association and manager, is kept as it was at trade time.
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
        Index("bill_lines_owed", "customer_id", "trade_time", "line_id",
              postgresql_where=text("debt_amount > 0")),
        Index("bill_lines_of_record", "usage_record_id", unique=True),
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
    bill_cycle: Mapped[str]  # YYYY-MM, Beijing
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
    consume_time: Mapped[datetime]
    period_type: Mapped[int | None]  # bill codes: 19 year, 20 month
    period_num: Mapped[int | None]
    usage_type: Mapped[str | None]
    usage_amount: Mapped[Decimal | None] = mapped_column(Numeric(38, 10))
    usage_measure_id: Mapped[int | None]
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

    def write_off(self, amount: Decimal) -> Decimal:
        """Pay up to `amount` of what the line owes; the part that was taken."""
        paid = min(amount, self.debt_amount)
        self.debt_amount -= paid
        self.writeoff_amount += paid
        return paid
