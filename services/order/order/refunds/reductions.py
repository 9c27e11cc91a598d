"""What changes have given back of periods that are paid for still (decision 0100)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from order.refunds.refund_rules import Means, Reduction
from order.resources.models import ResourcePeriod

Reductions = Mapping[str, Sequence[Reduction]]

# By a function of the owner: refunds stay with the partner under which they were made, and the
# period may be another's by now (decision 0157).
_REDUCED = text("SELECT * FROM reductions_of_periods(:periods)")


async def reductions_of(session: AsyncSession, periods: Sequence[ResourcePeriod]) -> Reductions:
    """By period, the earliest first; most periods have none."""
    found: defaultdict[str, list[Reduction]] = defaultdict(list)
    if not periods:
        return found
    await session.flush()  # a text does not
    rows = await session.execute(_REDUCED, {"periods": [one.period_id for one in periods]})
    for period_id, at, *amounts in rows:
        found[period_id].append(Reduction(at, Means(*amounts)))
    return found
