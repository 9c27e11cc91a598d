"""The pools that partners issue coupons from."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from chassis.errors import RefusedError
from voucher.ledger.post_movements import PostedFor
from voucher.models import Tables
from voucher.quotas.limits import QuotaLimits
from wire.vocabulary import CouponType, QuotaType

NORMAL, INVALID, ADJUSTING, FROZEN, RECLAIMED = 0, 3, 4, 5, 6  # docs/domain/coupons.md B.7
# From each status to these, by hand; 0 becomes 3 by time as well, and 6 by reclaiming alone.
_NEXT = {NORMAL: (INVALID, ADJUSTING, FROZEN), ADJUSTING: (NORMAL,), FROZEN: (NORMAL,)}
HAND_OUT, TAKE_BACK = "10", "11"  # operation types of records about quotas
CASH, DISCOUNT, FLEXI = CouponType.CASH, CouponType.DISCOUNT, CouponType.FLEXI
CARD = CouponType.STORED_CARD
COUPON_TYPE_OF_QUOTA: dict[int, int] = {
    QuotaType.CASH: CouponType.CASH,
    QuotaType.FLEXI: CouponType.FLEXI,
}


class QuotaInsufficientError(RefusedError):
    """The quota's balance is below the face value."""

    code = "CBC.99000013"


class QuotaStateError(RefusedError):
    """The quota's status does not allow the change."""

    code = "CHB.0409"


class Quota(Tables):
    """The pool a partner issues coupons from.

    A reseller's comes from one of its distributor's, its parent, and goes back to it. Value less
    `returned_amount` is what it has: its balance, what is out in coupons and in children, and what
    was redeemed.
    """

    __tablename__ = "quotas"
    __table_args__ = (
        CheckConstraint("balance >= 0"),
        Index("quotas_of", "partner_id", "id"),
        Index("quotas_of_parent", "parent_quota_id"),
        Index("quotas_ending", "expire_at", postgresql_where=text("quota_status = 0")),
    )

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
    # To its parent.
    returned_amount: Mapped[Decimal] = mapped_column(default=Decimal(0), server_default=text("0"))
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

    @property
    def posted_for(self) -> PostedFor:
        """As the ledger knows it."""
        return PostedFor(self.id, self.partner_id, self.distributor_id, self.currency)

    def status_at(self, now: datetime) -> int:
        """The status, invalid on the second even where the schedule has not come by yet."""
        over = self.quota_status == NORMAL and self.expire_at <= now
        return INVALID if over else self.quota_status

    def is_over_by_time(self, now: datetime) -> bool:
        """Whether its time ended it, and nothing else bars it."""
        return self.expire_at <= now and self.quota_status in (NORMAL, INVALID)

    def change_status(self, status: int, now: datetime) -> None:
        """Set it by hand.

        Raises:
            QuotaStateError: no way leads there.

        """
        if status not in _NEXT.get(self.status_at(now), ()):
            raise QuotaStateError(f"from status {self.status_at(now)} to {status}")
        self.quota_status = status

    def adjust(self, amount: Decimal, now: datetime) -> None:
        """Raise or lower the value; never below what is out.

        Raises:
            QuotaInsufficientError: less is left.

        """
        if self.balance + amount < 0:
            raise QuotaInsufficientError(f"{self.balance} is left")
        self.quota_value += amount
        self._move(amount, now)

    def end(self, status: int, now: datetime) -> None:
        """Let no coupon and no child come from it any more."""
        self.quota_status = status
        self.touch(now)

    def touch(self, now: datetime) -> None:
        """Something of it changed."""
        self._move(Decimal(0), now)

    def give_up(self, now: datetime) -> Decimal:
        """Let its parent have all that is left; the amount."""
        amount = self.balance
        self.returned_amount += amount
        self._move(-amount, now)
        return amount

    def take(self, amount: Decimal, now: datetime) -> None:
        """Give an amount to a coupon or to children.

        Raises:
            QuotaInsufficientError: there is less.

        """
        if amount > self.balance:
            raise QuotaInsufficientError
        self._move(-amount, now)

    def take_back(self, amount: Decimal, now: datetime) -> None:
        """Receive what a coupon or a child returns, whatever the quota's own state."""
        self._move(amount, now)

    def _move(self, amount: Decimal, now: datetime) -> None:
        self.balance += amount
        self.updated_at = now
        self.version += 1


class QuotaRecord(Tables):
    """A hand-out to a reseller, or what came back, as the distributor's record list tells it."""

    __tablename__ = "quota_records"
    __table_args__ = (Index("quota_records_of", "partner_id", "at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[str]  # the distributor
    distributor_id: Mapped[str | None]
    operator: Mapped[str]
    operation_type: Mapped[str]  # "10" handed out, "11" taken back
    quota_id: Mapped[str | None]  # the child; none was made where the hand-out was refused
    parent_quota_id: Mapped[str]
    indirect_partner_id: Mapped[str]
    amount: Mapped[Decimal]
    at: Mapped[datetime]
    result: Mapped[str]  # "0" done, "-1" refused
    remark: Mapped[str | None]
