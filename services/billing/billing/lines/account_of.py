"""Whose a line is in lists of details: a custody member's month of unlinking is split (F.4).

Up to the second in which a referral customer left its partner a detail is the member's own, after
it its master's. Sums of the month are the member's alone (docs/domain/enterprise.md B.4).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, false, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.copies import Customer, Unlinking
from billing.lines.models import BillLine
from wire.times import cycle_bounds, cycle_of
from wire.vocabulary import RESALE_TYPES

SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Moved:
    """A member's lines with a partner that are its master's from an instant on, in that month."""

    customer_id: str
    partner_id: str
    cycle: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Split:
    """What of some months' lines is another account's than their customer's; mostly nothing."""

    moved: tuple[Moved, ...] = ()

    def of(self, accounts: Sequence[str]) -> ColumnElement[bool]:
        """The details of these accounts."""
        own = BillLine.customer_id.in_(accounts)
        if not self.moved:
            return own
        return or_(own & ~self._is_moved(), self._is_moved() & BillLine.payer_id.in_(accounts))

    def account(self) -> ColumnElement[Any]:
        """Whose a detail is."""
        if not self.moved:
            return BillLine.customer_id.expression
        return case((self._is_moved(), BillLine.payer_id), else_=BillLine.customer_id)

    def _is_moved(self) -> ColumnElement[bool]:
        of_members = [
            and_(
                BillLine.customer_id == one.customer_id,
                BillLine.partner_id == one.partner_id,
                BillLine.bill_cycle == one.cycle,
                BillLine.trade_time >= one.since,
            )
            for one in self.moved
        ]
        by_master = BillLine.payer_id.is_not(None) & BillLine.association_type.not_in(RESALE_TYPES)
        return and_(by_master, or_(false(), *of_members))


NOT_SPLIT = Split()


async def split_of(
    session: AsyncSession, cycle: str, accounts: Sequence[str], *, since: str | None = None
) -> Split:
    """What was split of that month, of these accounts and of their custody members.

    `since`: of the months from that one on.
    """
    (begin, _), (_, end) = cycle_bounds(since or cycle), cycle_bounds(cycle)
    members = select(Customer.customer_id).where(
        Customer.enterprise_master_id.in_(accounts), Customer.financial_custody
    )
    found = await session.scalars(
        select(Unlinking)
        .where(
            or_(Unlinking.customer_id.in_(accounts), Unlinking.customer_id.in_(members)),
            Unlinking.at >= begin,
            Unlinking.at < end,
        )
        .order_by(Unlinking.customer_id, Unlinking.at)
    )
    moved = (
        Moved(
            one.customer_id,
            one.partner_id,
            cycle_of(one.at),
            one.at.replace(microsecond=0) + SECOND,
        )
        for one in found
    )
    return Split(tuple(moved))
