"""The settlement of a partner's month: its state, its vouchers, its lines and their sums."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, Index, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.models import Tables
from chassis.errors import NotFoundError, RefusedError

# States, in their order; a failed one goes on at the state that `failed_at` names.
REQUESTED, READING, MATCHING, TOTALLING = "requested", "reading", "matching", "totalling"
SETTLED, PUBLISHED, FAILED = "settled", "published", "failed"
UNDER_WAY = (REQUESTED, READING, MATCHING, TOTALLING, FAILED)
ZERO = Decimal("0.00")
Ratio = Numeric(38, 4)


class SettlementNotFoundError(NotFoundError):
    """There is no such settlement, or it is not the caller's."""


class SettlementUnderWayError(RefusedError):
    """The partner's month is being settled: one at a time."""

    code = "CHB.0409"


class Settlement(Tables):
    """One version of a partner's bill for a month, and how far it is."""

    __tablename__ = "settlements"
    __table_args__ = (
        Index("settlements_of_partner", "partner_id", "cycle", "number", unique=True),
        Index("settlements_under_way", "partner_id", "cycle", unique=True,
              postgresql_where=text("state IN ('requested', 'reading', 'matching', 'totalling',"
                                    " 'failed')")),
        Index("settlements_unpublished", "settlement_id",
              postgresql_where=text("state <> 'published'")),
    )  # fmt: skip

    settlement_id: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    cycle: Mapped[str]
    number: Mapped[int]  # of the month's bill, from 1
    corrects: Mapped[str | None]  # the settlement before a correction
    reason: Mapped[str | None]  # of a correction
    site: Mapped[str]
    currency: Mapped[str]
    # requested | reading | matching | totalling | settled | published | failed
    state: Mapped[str]
    failed_at: Mapped[str | None]
    failed_because: Mapped[str | None]
    is_current: Mapped[bool]  # the newest settled one of its month
    lines_total: Mapped[int | None]
    lines_done: Mapped[int]
    # The line that was matched last: by trade time, refunds last, by id.
    last_trade_time: Mapped[datetime | None]
    last_is_refund: Mapped[bool | None]
    last_line_id: Mapped[str | None]
    digest: Mapped[str]  # SHA-256 over the lines matched so far, portion by portion
    customer_amount: Mapped[Decimal] = mapped_column(default=ZERO)
    settlement_amount: Mapped[Decimal] = mapped_column(default=ZERO)
    adjustment_amount: Mapped[Decimal] = mapped_column(default=ZERO)
    voucher_amount: Mapped[Decimal] = mapped_column(default=ZERO)
    forfeited_amount: Mapped[Decimal] = mapped_column(default=ZERO)
    due_amount: Mapped[Decimal] = mapped_column(default=ZERO)
    performance_amount: Mapped[Decimal] = mapped_column(default=ZERO)
    requested_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]
    version: Mapped[int]

    @property
    def per_cent(self) -> int:
        """How much of the lines is matched."""
        if self.state in (SETTLED, PUBLISHED):
            return 100
        return 100 * self.lines_done // self.lines_total if self.lines_total else 0

    def fail(self, because: str) -> None:
        """It stops where it is until it is asked for again."""
        self.failed_at, self.state, self.failed_because = self.state, FAILED, because
        self.version += 1

    def go_on(self) -> None:
        """Go on where it failed."""
        if self.state == FAILED:
            self.state, self.failed_at = self.failed_at or REQUESTED, None
            self.failed_because = None
            self.version += 1


class SettlementVoucher(Tables):
    """A voucher as the settlement found it, and what came out for it."""

    __tablename__ = "settlement_vouchers"

    settlement_id: Mapped[str] = mapped_column(
        ForeignKey("settlements.settlement_id"), primary_key=True
    )
    voucher_id: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    found: Mapped[dict[str, Any]]  # times and limits, as they were read
    remaining: Mapped[Decimal]  # before the lines
    left_amount: Mapped[Decimal]  # after the lines matched so far
    paid_amount: Mapped[Decimal] = mapped_column(default=ZERO)
    restored_amount: Mapped[Decimal] = mapped_column(default=ZERO)
    lapsed_amount: Mapped[Decimal] = mapped_column(default=ZERO)
    # Of a correction: what the version before had taken out of the balance, and let lapse.
    taken_before: Mapped[Decimal] = mapped_column(default=ZERO)
    lapsed_before: Mapped[Decimal] = mapped_column(default=ZERO)
    awaited: Mapped[int] = mapped_column(default=0)  # facts that voucher has not stated yet

    @property
    def taken(self) -> Decimal:
        """Out of the voucher's balance by this version, were it the first."""
        return self.paid_amount - self.restored_amount + self.lapsed_amount

    @property
    def moved(self) -> Decimal:
        """Out of the balance now; below zero: back into it."""
        return self.taken - self.taken_before

    @property
    def lapsing(self) -> Decimal:
        """Through the voucher to the vendor now."""
        return self.lapsed_amount - self.lapsed_before


class SettledLine(Tables):
    """A line of a customer's bill at the partner's price, and what vouchers pay of it."""

    __tablename__ = "settled_lines"
    __table_args__ = (
        Index("settled_lines_by_line", "line_id"),
        Index("settled_lines_refunding", "refund_of",
              postgresql_where=text("refund_of IS NOT NULL")),
    )  # fmt: skip

    settlement_id: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)  # in the order of matching, from 1
    line_id: Mapped[str]
    partner_id: Mapped[str]  # whose customer it was: of a distributor's bill the reseller
    distributor_id: Mapped[str | None]
    customer_id: Mapped[str]
    account_id: Mapped[str]  # whose detail it is: a custody member's after its end, its master's
    association_type: Mapped[str]
    account_manager_id: Mapped[str | None]
    trade_time: Mapped[datetime]
    service_type_code: Mapped[str]
    charging_mode: Mapped[int]
    bill_type: Mapped[int]
    customer_amount: Mapped[Decimal]
    # normal | promotion | no_discount | special | adjustment | referral (its customer pays)
    settlement_type: Mapped[str]
    settlement_discount: Mapped[Decimal] = mapped_column(Ratio)
    settlement_amount: Mapped[Decimal]
    voucher_amount: Mapped[Decimal]
    forfeited_amount: Mapped[Decimal]
    due_amount: Mapped[Decimal]
    performance_amount: Mapped[Decimal]
    refund_of: Mapped[str | None]
    refund_case: Mapped[str | None]
    # [voucher, amount as text, lapsed], in the order of paying; below zero: given back
    vouchers: Mapped[list[Any] | None]


class SettlementSum(Tables):
    """The lines of a settlement that have the same of what statements are made by."""

    __tablename__ = "settlement_sums"
    __table_args__ = (Index("settled_of_partner", "partner_id", "cycle", "bill_number"),)

    settlement_id: Mapped[str] = mapped_column(
        ForeignKey("settlements.settlement_id"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    # Of the bill, for a reseller, which does not read its distributor's settlement.
    cycle: Mapped[str]
    bill_number: Mapped[int]
    currency: Mapped[str]
    customer_id: Mapped[str]
    association_type: Mapped[str]
    account_manager_id: Mapped[str | None]
    service_type_code: Mapped[str]
    charging_mode: Mapped[int]
    settlement_type: Mapped[str]
    lines: Mapped[int]
    customer_amount: Mapped[Decimal]
    settlement_amount: Mapped[Decimal]
    voucher_amount: Mapped[Decimal]
    forfeited_amount: Mapped[Decimal]
    due_amount: Mapped[Decimal]
    performance_amount: Mapped[Decimal]
