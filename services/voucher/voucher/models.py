"""Quotas, coupons, reservations, the double-entry ledger beneath them, and the copies.

Amounts have 2 decimals. What a balance is, is a sum of postings; the column repeats it, so that it
can be locked and read, and `prove_ledger` compares the two.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from chassis.database import COLUMN_TYPES
from chassis.errors import RefusedError
from voucher.limits import QuotaLimits

NORMAL, INVALID = 0, 3  # quota status; 4 adjusting, 5 frozen, 6 reclaimed (domain.md B.7)
NOT_ACTIVATED, USABLE, USED, EXPIRED, RECLAIMED = 1, 2, 3, 4, 5  # coupon status
CASH, DISCOUNT, PRODUCT, FLEXI = 1, 2, 3, 4  # coupon type
COUPON_TYPE_OF_QUOTA = {0: CASH, 1: FLEXI}
RESALE_TYPES = frozenset({"2", "3"})  # China, international (domain.md B.2)
ASSOCIATED = "associated"
OPEN, CAPTURED, RELEASED = "open", "captured", "released"  # payment attempt


class QuotaInsufficientError(RefusedError):
    """The quota's balance is below the face value."""

    code = "CBC.99000013"


class CouponNotUsableError(RefusedError):
    """The coupon is used, locked, out of its time, or not for this."""

    code = "CBC.99003112"


class CouponNotReclaimableError(RefusedError):
    """Only a usable coupon that no order holds can be reclaimed (domain.md F15.9)."""

    code = "CBC.0155"


class Tables(DeclarativeBase):
    """Voucher's own tables."""

    type_annotation_map = COLUMN_TYPES


class Quota(Tables):
    """The pool a partner issues coupons from."""

    __tablename__ = "quotas"
    __table_args__ = (CheckConstraint("balance >= 0"), Index("quotas_of", "partner_id", "id"))

    id: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    parent_quota_id: Mapped[str | None]
    quota_type: Mapped[int]
    quota_status: Mapped[int] = mapped_column(default=NORMAL)
    site: Mapped[str]
    currency: Mapped[str]
    quota_value: Mapped[Decimal]
    balance: Mapped[Decimal]
    effective_at: Mapped[datetime]
    expire_at: Mapped[datetime]
    limits: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)

    @property
    def rules(self) -> QuotaLimits:
        """The limits as rules."""
        return QuotaLimits.model_validate(self.limits)

    def take(self, amount: Decimal, now: datetime) -> None:
        """Give an amount to a coupon.

        Raises:
            QuotaInsufficientError: there is less.

        """
        if amount > self.balance:
            raise QuotaInsufficientError
        self._move(-amount, now)

    def take_back(self, amount: Decimal, now: datetime) -> None:
        """Receive what a coupon returns, whatever the quota's own state."""
        self._move(amount, now)

    def _move(self, amount: Decimal, now: datetime) -> None:
        self.balance += amount
        self.updated_at = now
        self.version += 1


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


class Movement(Tables):
    """An amount that went from one account to another: two postings, never more or fewer."""

    __tablename__ = "movements"
    __table_args__ = (Index("movements_of_coupon", "coupon_id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]  # granted | issued | returned | redeemed
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    quota_id: Mapped[str]
    coupon_id: Mapped[str | None]
    order_id: Mapped[str | None]
    at: Mapped[datetime]


class Posting(Tables):
    """One side of a movement; positive into the account."""

    __tablename__ = "postings"
    __table_args__ = (
        Index("postings_of_account", "account_kind", "account_id"),
        Index("postings_of_movement", "movement_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    movement_id: Mapped[str] = mapped_column(ForeignKey("movements.id"))
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    account_kind: Mapped[str]  # vendor | quota | coupon | redeemed
    account_id: Mapped[str]  # vendor and redeemed: of the partner
    currency: Mapped[str]
    amount: Mapped[Decimal]


class CouponRecord(Tables):
    """What was done with coupons and how it ended, as the partner's record list tells it."""

    __tablename__ = "coupon_records"
    __table_args__ = (Index("coupon_records_of", "partner_id", "at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    operation_type: Mapped[str]  # domain.md B.7: 1 issue, 2 reclaim, 3 unlink, 4 expiry …
    quota_id: Mapped[str]
    quota_type: Mapped[int]
    coupon_id: Mapped[str | None]
    customer_id: Mapped[str]
    amount: Mapped[Decimal]
    at: Mapped[datetime]
    result: Mapped[str]  # "0" done, "-1" refused
    remark: Mapped[str | None]


class Attempt(Tables):
    """A payment attempt of order: a row from its reservation or its outcome, whichever came first.

    It has no tenant's column: a reservation that comes late must see it whoever asks.
    """

    __tablename__ = "attempts"

    id: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(index=True)
    customer_id: Mapped[str]  # whose coupons: for a custody member's order its master's
    state: Mapped[str]
    asked: Mapped[list[Any]]  # ids of the coupons asked for
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class Reservation(Tables):
    """What one coupon pays of one attempt. Only the attempt's outcome ends it (design.md 3)."""

    __tablename__ = "reservations"
    __table_args__ = (Index("reservations_of_order", "order_id"),)

    attempt_id: Mapped[str] = mapped_column(ForeignKey("attempts.id"), primary_key=True)
    coupon_id: Mapped[str] = mapped_column(ForeignKey("coupons.id"), primary_key=True)
    order_id: Mapped[str]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    coupon_type: Mapped[int]
    amount: Mapped[Decimal]


class CustomerCopy(Tables):
    """What voucher must know of a customer; customer-sync owns it."""

    __tablename__ = "customers"

    customer_id: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    association_type: Mapped[str]
    association_status: Mapped[str]
    associated_on: Mapped[datetime | None]
    first_associated_on: Mapped[datetime | None]  # the earliest that was ever heard of
    # A custody member of an enterprise: its master pays for it (domain.md B.4).
    financial_custody: Mapped[bool] = mapped_column(server_default=text("false"))
    enterprise_master_id: Mapped[str | None]
    version: Mapped[int]

    @property
    def is_resale(self) -> bool:
        """Whether coupons may be issued and reclaimed by the API (domain.md F15.1)."""
        return self.association_type in RESALE_TYPES

    def is_resale_of(self, partner_id: str) -> bool:
        """Whether it is the partner's resale customer now."""
        is_associated = self.association_status == ASSOCIATED
        return self.partner_id == partner_id and is_associated and self.is_resale

    @property
    def is_first_association(self) -> bool:
        """Whether it was never associated before its present association."""
        return self.associated_on is not None and self.associated_on == self.first_associated_on


class PartnerCopy(Tables):
    """What voucher must know of a partner account; partner owns it."""

    __tablename__ = "partners"

    partner_id: Mapped[str] = mapped_column(primary_key=True)
    distributor_id: Mapped[str | None]
    kind: Mapped[str]
    site: Mapped[str]
    currency: Mapped[str]
    status: Mapped[str]
    coupon_mode: Mapped[str]
    is_test_account: Mapped[bool]
    version: Mapped[int]


class OrderCopy(Tables):
    """What voucher must know of an order; order owns it."""

    __tablename__ = "orders"

    order_id: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    customer_id: Mapped[str]
    paying_agent_id: Mapped[str | None]  # the enterprise master asked to pay, or that did
    status: Mapped[int]
    currency: Mapped[str]
    lines: Mapped[list[Any]]
    version: Mapped[int]
