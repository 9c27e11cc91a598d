"""Coupons, what holds them, and the partner's record of what was done with them."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column

from chassis.errors import RefusedError
from voucher.ledger.post_movements import PostedFor
from voucher.models import Tables
from voucher.quotas.limits import QuotaLimits
from voucher.quotas.models import CARD, DISCOUNT

NOT_ACTIVATED, USABLE, USED, EXPIRED, RECLAIMED = 1, 2, 3, 4, 5  # coupon status
# Groups of coupons (docs/domain/coupons.md B.7); all that partners issue are of the first
CLOUD_GROUP, MARKETPLACE_GROUP, DEDICATED_GROUP = 0, 1, 2


class CouponNotUsableError(RefusedError):
    """A rule of `coupons.payment_rules` forbids that the coupon pays; `rule` names it."""

    code = "CBC.99003112"

    def __init__(self, detail: str = "", *, code: str | None = None, rule: str | None = None):
        self.rule = rule
        super().__init__(detail, code=code)


class CouponNotReclaimableError(RefusedError):
    """Only a usable coupon that no order holds can be reclaimed (docs/domain/coupons.md F15.9)."""

    code = "CBC.0155"


class CouponStateError(RefusedError):
    """The coupon has ended, or is so already."""

    code = "CHB.0409"


class Coupon(Tables):
    """A coupon of one customer: reusable until its balance is 0 (the vendor's version 2).

    A discount coupon holds no money: it lowers the price of one order, once (decision 0101). One
    that the vendor issued itself has no quota (decision 0119): `partner_id` is then the partner
    whose customer holds it, or the holder. A stored value card is one of type 5 (decision 0127).
    """

    __tablename__ = "coupons"
    __table_args__ = (
        CheckConstraint(
            "(quota_id IS NULL) = (origin IS NOT NULL OR coupon_type = 5)", "origin_of_vendors"
        ),
        CheckConstraint("(name IS NOT NULL) = (coupon_type = 5)", "cards_have_names"),
        CheckConstraint(
            "quota_id IS NULL OR (main_coupon_id IS NULL AND transferred_amount = 0)",
            "of_vendors_alone",
        ),
        CheckConstraint("transferred_amount >= 0", "never_more_back"),
        CheckConstraint("reserved_amount >= 0 AND balance >= reserved_amount"),
        Index("coupons_held", "customer_id", "created_at"),
        Index("coupons_issued", "partner_id", "created_at"),
        Index("coupons_of_quota", "quota_id"),
        Index(
            "coupons_gone",
            "partner_id",
            text("LEAST(ended_at, expire_at)"),
            postgresql_where=text("quota_id IS NOT NULL"),
        ),
        Index(
            "coupons_of_main",
            "main_coupon_id",
            postgresql_where=text("main_coupon_id IS NOT NULL"),
        ),
        Index("coupons_ending", "expire_at", postgresql_where=text("status IN (1, 2)")),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    quota_id: Mapped[str | None] = mapped_column(ForeignKey("quotas.id"))
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    customer_id: Mapped[str]  # the holder; of the vendor's coupons also a partner
    coupon_type: Mapped[int]  # 1 cash, 2 discount, 3 product, 4 flexi, 5 stored value card
    name: Mapped[str | None]  # of a stored value card
    # 0 Huawei cloud services, 1 marketplace, 2 dedicated, 3 hardware
    coupon_group: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    origin: Mapped[str | None]  # of the vendor's own: "test" | "commercial" | "activity"
    status: Mapped[int] = mapped_column(default=USABLE)
    is_frozen: Mapped[bool] = mapped_column(default=False)
    site: Mapped[str]
    currency: Mapped[str]
    discount_ratio: Mapped[Decimal | None] = mapped_column(Numeric(38, 4))  # that is payable
    face_value: Mapped[Decimal]
    balance: Mapped[Decimal]
    reserved_amount: Mapped[Decimal] = mapped_column(default=Decimal(0))
    returned_amount: Mapped[Decimal] = mapped_column(default=Decimal(0))
    # Of a sub-coupon: its enterprise master's coupon that it is a part of (decision 0128).
    main_coupon_id: Mapped[str | None] = mapped_column(ForeignKey("coupons.id"))
    # What its sub-coupons have got and not given back.
    transferred_amount: Mapped[Decimal] = mapped_column(
        default=Decimal(0), server_default=text("0")
    )
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
    def posted_for(self) -> PostedFor:
        """Its quota, or none, as the ledger knows it."""
        return PostedFor(
            self.quota_id, self.partner_id, self.distributor_id, self.currency, self.account_kind
        )

    @property
    def account_kind(self) -> str:
        """As the ledger calls what holds its balance."""
        return "card" if self.is_card else "coupon"

    @property
    def rules(self) -> QuotaLimits:
        """The limits as rules; no discount coupon goes with a partner's discount.

        For products of the marketplace there are coupons of a group of their own.
        """
        rules = QuotaLimits.model_validate(self.limits)
        if not self.is_card and self.coupon_group != MARKETPLACE_GROUP:
            rules = rules.without_marketplace()
        if not self.is_discount:
            return rules
        return rules.model_copy(update={"simultaneous_use_with_empower_discount": False})

    @property
    def is_vendors(self) -> bool:
        """Whether the vendor issued it, and no partner."""
        return self.quota_id is None

    @property
    def is_card(self) -> bool:
        """Whether it is a stored value card, which only its holder pays with."""
        return self.coupon_type == CARD

    @property
    def is_discount(self) -> bool:
        """Whether it lowers the price and pays nothing."""
        return self.coupon_type == DISCOUNT

    def status_at(self, now: datetime) -> int:
        """The status, expired on the second even where the schedule has not come by yet."""
        ended = self.status in (NOT_ACTIVATED, USABLE) and self.expire_at <= now
        return EXPIRED if ended else self.status

    def activate(self) -> None:
        """Usable from now on."""
        self.status = USABLE
        self.version += 1

    def reserve(self, order_id: str, amount: Decimal) -> None:
        """Lock the coupon for an order; the whole coupon, though only a part of it is paid with."""
        self.lock_order_id = order_id
        self.reserved_amount = Decimal(0) if self.is_discount else amount
        self.version += 1

    def release(self) -> None:
        """Free it again, untouched."""
        self.lock_order_id = None
        self.reserved_amount = Decimal(0)
        self.version += 1

    def redeem(self, order_id: str, paid_at: datetime) -> None:
        """Pay with what was reserved; it is used up when nothing is left, as without money."""
        self.balance -= self.reserved_amount
        self.order_id, self.last_used_at = order_id, paid_at
        self.release()
        if self.balance == 0:
            self.status, self.ended_at = USED, paid_at

    def restore(self, amount: Decimal) -> None:
        """A refund gives back what was paid; a used coupon is usable again."""
        self.balance += amount
        if self.status == USED:
            self.status, self.ended_at = USABLE, None
        self.version += 1

    def pass_on(self, amount: Decimal) -> None:
        """The coupon has ended: what a refund gives back goes through it to its pool."""
        self.returned_amount += amount
        self.version += 1

    def hand_over(self, amount: Decimal, now: datetime) -> None:
        """A part of it becomes a sub-coupon; with nothing left it is used up."""
        self.balance -= amount
        self.transferred_amount += amount
        if self.balance == 0:
            self.status, self.ended_at = USED, now
        self.version += 1

    def get_back(self, amount: Decimal) -> None:
        """What was left of a sub-coupon is its own again."""
        self.transferred_amount -= amount
        self.restore(amount)

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
    __table_args__ = (
        Index("coupon_records_of", "partner_id", "at"),
        Index("coupon_records_of_customer", "partner_id", "customer_id", "at"),
    )

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
    # What it pays of each line of the order: line_id and amount (docs/domain/orders.md H.3).
    lines: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))

    @property
    def is_for_usage(self) -> bool:
        """Whether billing reserved it for usage, whose attempts stand in an order's place."""
        return self.order_id == self.attempt_id


class Restoration(Tables):
    """What a refund gave back to one coupon, once."""

    __tablename__ = "restorations"
    __table_args__ = (Index("restorations_of_coupon", "coupon_id", "base_order_id"),)

    refund_id: Mapped[str] = mapped_column(primary_key=True)
    coupon_id: Mapped[str] = mapped_column(ForeignKey("coupons.id"), primary_key=True)
    order_id: Mapped[str]
    base_order_id: Mapped[str]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    amount: Mapped[Decimal]
    at: Mapped[datetime]
