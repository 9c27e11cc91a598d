"""Attempts to pay usage with coupons: one for each payer of a batch whose coupons may pay."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.models import Tables
from chassis.errors import RefusedError

OPEN, PAID, FAILED = "open", "paid", "failed"


class UsageAttemptClosedError(RefusedError):
    """The attempt was open for too long and was closed: what it reserved is free again."""

    code = "CHB.0409"


class UsageAttempt(Tables):
    """Written before voucher is asked; only its outcome frees what voucher holds (decision 0165).

    A payer has one open attempt at most, so that each batch finds what the one before left.
    """

    __tablename__ = "usage_attempts"
    __table_args__ = (
        Index("one_open_attempt", "payer_id", unique=True, postgresql_where=text("state = 'open'")),
        Index("untold_attempts", "payer_id", postgresql_where=text("NOT is_told")),
        Index("open_usage_attempts", "begun_at", postgresql_where=text("state = 'open'")),
    )

    attempt_id: Mapped[str] = mapped_column(primary_key=True)
    payer_id: Mapped[str]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    currency: Mapped[str]
    state: Mapped[str]
    coupons: Mapped[list[Any]]  # that paid: coupon_id and amount, a text
    reason_code: Mapped[str | None]  # of a failed one
    # Whether voucher has answered a request that named its outcome.
    is_told: Mapped[bool]
    opened_at: Mapped[datetime]
    begun_at: Mapped[datetime] = mapped_column(server_default=text("now()"))  # by the wall
    closed_at: Mapped[datetime | None]

    @property
    def paid(self) -> dict[str, Decimal]:
        """Coupon → what it paid."""
        return {one["coupon_id"]: Decimal(one["amount"]) for one in self.coupons}
