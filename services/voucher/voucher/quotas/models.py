"""The pools that partners issue coupons from."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from chassis.errors import RefusedError
from voucher.models import Tables
from voucher.quotas.limits import QuotaLimits

# quota status; 4 adjusting, 5 frozen, 6 reclaimed (docs/domain/coupons.md B.7)
NORMAL, INVALID = 0, 3
CASH, DISCOUNT, PRODUCT, FLEXI = 1, 2, 3, 4  # coupon type
COUPON_TYPE_OF_QUOTA = {0: CASH, 1: FLEXI}


class QuotaInsufficientError(RefusedError):
    """The quota's balance is below the face value."""

    code = "CBC.99000013"


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
