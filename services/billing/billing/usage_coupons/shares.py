"""What voucher reserved for a batch of usage, and what of it the batch takes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from billing.lines.models import ZERO
from billing.usage_coupons.facts import usage_coupons_settled
from billing.usage_coupons.models import OPEN, PAID, UsageAttempt, UsageAttemptClosedError
from chassis import outbox
from wire.vocabulary import CouponType

# Which column of a line says what a coupon of the type paid.
COLUMN_OF_TYPE: dict[int, str] = {
    CouponType.CASH: "coupon_amount",
    CouponType.FLEXI: "flexipurchase_coupon_amount",
    CouponType.STORED_CARD: "stored_value_card_amount",
}


@dataclass(frozen=True, slots=True)
class CouponPart:
    """What a coupon pays of a line."""

    coupon_id: str
    coupon_type: int
    amount: Decimal


@dataclass(slots=True)
class Shares:
    """By payer and record; a record's parts stand in the order in which they are taken."""

    attempt_of: dict[str, str] = field(default_factory=dict)  # payer → attempt
    parts: dict[str, list[CouponPart]] = field(default_factory=dict)  # record → parts
    told: Sequence[str] = ()  # earlier attempts whose outcomes voucher knows by now
    _taken: dict[str, dict[str, Decimal]] = field(default_factory=dict)

    def take(self, payer_id: str, record_id: str, payable: Decimal) -> list[CouponPart]:
        """What coupons pay of the record, at most what it costs."""
        if payer_id not in self.attempt_of:
            return []
        taken = []
        paid = self._taken.setdefault(payer_id, {})
        for part in self.parts.get(record_id, ()):
            amount = min(part.amount, payable)
            if amount:
                payable -= amount
                paid[part.coupon_id] = paid.get(part.coupon_id, ZERO) + amount
                taken.append(CouponPart(part.coupon_id, part.coupon_type, amount))
        return taken

    async def settle(self, session: AsyncSession, now: datetime) -> None:
        """Close the attempts with what was taken, in the transaction of the lines.

        Raises:
            UsageAttemptClosedError: one was closed meanwhile; nothing of the batch may stay.

        """
        if not self.attempt_of:
            return
        found = await session.scalars(
            select(UsageAttempt)
            .where(UsageAttempt.attempt_id.in_(self.attempt_of.values()))
            .order_by(UsageAttempt.attempt_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        attempts = found.all()
        if len(attempts) < len(self.attempt_of) or any(one.state != OPEN for one in attempts):
            raise UsageAttemptClosedError("the attempt is closed")
        for attempt in attempts:
            paid = self._taken.get(attempt.payer_id, {})
            attempt.coupons = [
                {"coupon_id": coupon_id, "amount": f"{amount:f}"}
                for coupon_id, amount in paid.items()
            ]
            attempt.state, attempt.closed_at = PAID, now
            outbox.publish(session, usage_coupons_settled(attempt, now))
        if self.told:
            await session.execute(
                update(UsageAttempt)
                .where(UsageAttempt.attempt_id.in_(self.told))
                .values(is_told=True)
                .execution_options(synchronize_session=False)
            )


def by_coupons(parts: Sequence[CouponPart]) -> Decimal:
    """What they pay together."""
    return sum((part.amount for part in parts), ZERO)


def note_coupons(values: dict[str, Any], parts: Sequence[CouponPart]) -> None:
    """Say on a line what coupons paid of it, and which."""
    for part in parts:
        values[COLUMN_OF_TYPE[part.coupon_type]] += part.amount
    if parts:
        told = [[part.coupon_id, part.coupon_type, f"{part.amount:f}"] for part in parts]
        values["reckoned"] = values["reckoned"] | {"coupons": told}
