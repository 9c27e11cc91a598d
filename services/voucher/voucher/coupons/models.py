"""Coupons, what holds them, and the partner's record of what was done with them."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from chassis.errors import RefusedError
from voucher.models import Tables
from voucher.quotas.limits import QuotaLimits

NOT_ACTIVATED, USABLE, USED, EXPIRED, RECLAIMED = 1, 2, 3, 4, 5  # coupon status


class CouponNotUsableError(RefusedError):
    """The coupon is used, locked, out of its time, or not for this."""

    code = "CBC.99003112"


class CouponNotReclaimableError(RefusedError):
    """Only a usable coupon that no order holds can be reclaimed (docs/domain/coupons.md F15.9)."""

    code = "CBC.0155"


class Coupon(Tables):
    """A coupon of one customer: reusable until its balance is 0 (the vendor's version 2)."""

    __tablename__ = "coupons"
    __table_args__ = (
        CheckConstraint("reserved_amount >= 0 AND balance >= reserved_amount"),
        Index("coupons_held", "customer_id", "created_at"),
        Index("coupons_issued", "partner_id", "created_at"),
        Index("coupons_of_quota", "quota_id"),
        Index("coupons_ending", "expire_at", postgresql_where=text("status IN (1, 2)")),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    quota_id: Mapped[str] = mapped_column(ForeignKey("quotas.id"))
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    customer_id: Mapped[str]
    coupon_type: Mapped[int]
    status: Mapped[int] = mapped_column(default=USABLE)
    is_frozen: Mapped[bool] = mapped_column(default=False)
    site: Mapped[str]
    currency: Mapped[str]
    face_value: Mapped[Decimal]
    balance: Mapped[Decimal]
    reserved_amount: Mapped[Decimal] = mapped_column(default=Decimal(0))
    returned_amount: Mapped[Decimal] = mapped_column(default=Decimal(0))
    lock_order_id: Mapped[str | None]
    order_id: Mapped[str | None]  # the last order it paid for
    # A recall that came while an order held the coupon: done when the order lets go.
    recall_due: Mapped[int | None]
    limits: Mapped[dict[str, Any]]
    memo: Mapped[str | None]
    effective_at: Mapped[datetime]
    expire_at: Mapped[datetime]
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]  # since when it is used up, expired or reclaimed
    version: Mapped[int] = mapped_column(default=1)

    @property
    def rules(self) -> QuotaLimits:
        """The limits as rules."""
        return QuotaLimits.model_validate(self.limits)

    def status_at(self, now: datetime) -> int:
        """The status, expired on the second even where the schedule has not come by yet."""
        ended = self.status in (NOT_ACTIVATED, USABLE) and self.expire_at <= now
        return EXPIRED if ended else self.status

    def refuse_unless_usable(self, now: datetime) -> None:
        """Raise CouponNotUsableError unless a new attempt may hold it."""
        in_force = self.effective_at <= now and self.status_at(now) == USABLE
        if not in_force or self.is_frozen or self.lock_order_id is not None:
            raise CouponNotUsableError(self.id)

    def reserve(self, order_id: str, amount: Decimal) -> None:
        """Lock the coupon for an order; the whole coupon, though only a part of it is paid with."""
        self.lock_order_id = order_id
        self.reserved_amount = amount
        self.version += 1

    def release(self) -> None:
        """Free it again, untouched."""
        self.lock_order_id = None
        self.reserved_amount = Decimal(0)
        self.version += 1

    def redeem(self, order_id: str, paid_at: datetime) -> None:
        """Pay with what was reserved; the coupon is used up when nothing is left."""
        self.balance -= self.reserved_amount
        self.order_id, self.last_used_at = order_id, paid_at
        self.release()
        if self.balance == 0:
            self.status, self.ended_at = USED, paid_at

    def give_back(self, status: int, now: datetime) -> Decimal:
        """End the coupon as reclaimed or expired; the rest of its balance, which leaves it."""
        amount = self.balance
        self.balance = Decimal(0)
        self.returned_amount += amount
        self.recall_due = None
        self.status, self.ended_at = status, now
        self.version += 1
        return amount

    def refuse_unless_reclaimable(self, now: datetime) -> None:
        """Raise CouponNotReclaimableError unless usable and held by no order (F15.9)."""
        if self.lock_order_id is not None:
            raise CouponNotReclaimableError(f"held by order {self.lock_order_id}")
        if (status := self.status_at(now)) != USABLE:
            raise CouponNotReclaimableError(f"status {status}")


class CouponRecord(Tables):
    """What was done with coupons and how it ended, as the partner's record list tells it."""

    __tablename__ = "coupon_records"
    __table_args__ = (Index("coupon_records_of", "partner_id", "at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    # docs/domain/coupons.md B.7: 1 issue, 2 reclaim, 3 unlink, 4 expiry …
    operation_type: Mapped[str]
    quota_id: Mapped[str]
    quota_type: Mapped[int]
    coupon_id: Mapped[str | None]
    customer_id: Mapped[str]
    amount: Mapped[Decimal]
    at: Mapped[datetime]
    result: Mapped[str]  # "0" done, "-1" refused
    remark: Mapped[str | None]


class Reservation(Tables):
    """What one coupon pays of one attempt. Only the attempt's outcome ends it (decision 0009)."""

    __tablename__ = "reservations"
    __table_args__ = (Index("reservations_of_order", "order_id"),)

    attempt_id: Mapped[str] = mapped_column(ForeignKey("attempts.id"), primary_key=True)
    coupon_id: Mapped[str] = mapped_column(ForeignKey("coupons.id"), primary_key=True)
    order_id: Mapped[str]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    coupon_type: Mapped[int]
    amount: Mapped[Decimal]
