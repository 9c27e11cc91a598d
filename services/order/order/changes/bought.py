"""How periods were bought, under whatever partner their customer had then (decision 0157)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_BOUGHT = text("SELECT * FROM bought_of_periods(:periods)")


@dataclass(frozen=True, slots=True)
class Bought:
    """What a change needs of the line that paid a period."""

    period_type: int | None
    period_num: int | None
    extra_days: int
    paid: Decimal
    taken_off: Decimal  # by discounts that were granted, and by a discount coupon

    @property
    def ratio_paid(self) -> Fraction:
        """Of what it cost by the catalogue, its own reductions taken off, so much was paid."""
        base = self.paid + self.taken_off
        return Fraction(self.paid) / Fraction(base) if base else Fraction(1)


async def bought_of(session: AsyncSession, period_ids: Sequence[str]) -> Mapping[str, Bought]:
    """By period."""
    rows = await session.execute(_BOUGHT, {"periods": list(period_ids)})
    return {period_id: Bought(*values) for period_id, *values in rows}
