"""Partner vouchers, and what settlements took from them."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from matching import Voucher
from voucher.ledger.post_voucher_movements import PostedVoucher
from voucher.models import Tables
from voucher.partner_vouchers.limits import VoucherLimits

USABLE, USED, EXPIRED = 2, 3, 4  # as a coupon's status (docs/domain/coupons.md B.7)


class PartnerVoucher(Tables):
    """A voucher that the vendor gave to a partner; it lowers the partner's bill."""

    __tablename__ = "partner_vouchers"
    __table_args__ = (
        CheckConstraint("balance >= 0 AND lapsed_amount >= 0"),
        Index("partner_vouchers_of", "partner_id", "id"),
        Index("partner_vouchers_ending", "expire_at", postgresql_where=text("status = 2")),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    origin: Mapped[str]  # "incentive" | "poc"
    status: Mapped[int]
    site: Mapped[str]
    currency: Mapped[str]
    amount: Mapped[Decimal]
    balance: Mapped[Decimal]
    # What refunds gave back when its time was over: that went back to the vendor.
    lapsed_amount: Mapped[Decimal]
    limits: Mapped[dict[str, Any]]
    effective_at: Mapped[datetime]
    expire_at: Mapped[datetime]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]  # since when it is used up or expired
    version: Mapped[int]

    @property
    def posted_for(self) -> PostedVoucher:
        """As the ledger knows it."""
        return PostedVoucher(self.id, self.partner_id, self.distributor_id, self.currency)

    @property
    def rules(self) -> VoucherLimits:
        """The limits as rules."""
        return VoucherLimits.model_validate(self.limits)

    def for_matching(self) -> Voucher:
        """As the matching takes it: what is left now."""
        rules = self.rules
        return Voucher(
            self.id,
            self.balance,
            self.effective_at,
            self.expire_at,
            customer_ids=frozenset(rules.customer_ids),
            service_type_codes=frozenset(rules.service_type_codes),
            product_ids=frozenset(rules.product_ids),
            region_codes=frozenset(rules.region_codes),
            charging_modes=frozenset(rules.charging_modes),
        )

    def status_at(self, now: datetime) -> int:
        """The status, expired on the second even where the schedule has not come by yet."""
        return EXPIRED if self.status == USABLE and self.expire_at <= now else self.status

    def use(self, amount: Decimal, now: datetime) -> None:
        """Pay for a line; it is used up when nothing is left."""
        self._move(-amount, now)

    def restore(self, amount: Decimal, now: datetime) -> None:
        """A refund gives back what was paid; a used voucher is usable again."""
        self._move(amount, now)

    def lapse(self, amount: Decimal) -> None:
        """A refund gives back what was paid, and its time is over: the amount goes through it."""
        self.lapsed_amount += amount
        self.version += 1

    def expire(self, now: datetime) -> None:
        """Its time is over. What is left pays for nothing but lines of before (decision 0111)."""
        self.status, self.ended_at = EXPIRED, now
        self.version += 1

    def _move(self, amount: Decimal, now: datetime) -> None:
        self.balance += amount
        self.version += 1
        before = self.status
        if self.balance == 0:
            self.status = USED
        else:
            self.status = USABLE if now < self.expire_at else EXPIRED
        if self.status != before:
            self.ended_at = None if self.status == USABLE else now


class Settlement(Tables):
    """Lines that were matched once, and what was answered."""

    __tablename__ = "settlements"
    __table_args__ = (Index("settlements_of", "partner_id", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    content_hash: Mapped[str]  # of the lines, in whatever order they came
    answer: Mapped[dict[str, Any]]
    at: Mapped[datetime]


class SettledLine(Tables):
    """A line of a partner's bill after the vouchers; none is settled twice."""

    __tablename__ = "settled_lines"
    __table_args__ = (
        Index("settled_lines_of_settlement", "settlement_id"),
        Index("settled_lines_refunding", "partner_id", "refund_of"),
    )

    partner_id: Mapped[str] = mapped_column(primary_key=True)
    line_id: Mapped[str] = mapped_column(primary_key=True)
    distributor_id: Mapped[str | None]
    settlement_id: Mapped[str] = mapped_column(ForeignKey("settlements.id"))
    trade_time: Mapped[datetime]
    customer_id: Mapped[str]
    currency: Mapped[str]
    amount: Mapped[Decimal]  # a refund's is negative
    due: Mapped[Decimal]
    forfeited: Mapped[Decimal]
    refund_of: Mapped[str | None]
    refund_case: Mapped[str | None]


class SettledPart(Tables):
    """What a voucher paid of a line, or got back by a refund; one movement of the ledger each."""

    __tablename__ = "settled_parts"
    __table_args__ = (
        ForeignKeyConstraint(
            ["partner_id", "line_id"], ["settled_lines.partner_id", "settled_lines.line_id"]
        ),
        Index("settled_parts_of_voucher", "voucher_id"),
    )

    partner_id: Mapped[str] = mapped_column(primary_key=True)
    line_id: Mapped[str] = mapped_column(primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True)  # in the order of paying, from 0
    distributor_id: Mapped[str | None]
    voucher_id: Mapped[str] = mapped_column(ForeignKey("partner_vouchers.id"))
    amount: Mapped[Decimal]  # into the line; what a refund gives back is negative
    lapsed: Mapped[bool]  # the voucher's time was over when it got it back
