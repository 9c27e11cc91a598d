"""The event of a month that is closed."""

from datetime import datetime

from billing.cycles.models import NOBODYS, Cycle
from contracts.billing import BillingCycleClosed


def cycle_closed(cycle: Cycle, now: datetime) -> BillingCycleClosed:
    """The month is final."""
    return BillingCycleClosed(
        occurred_at=now,
        partner_id=NOBODYS,
        distributor_id=None,
        version=cycle.version,
        bill_cycle=cycle.cycle,
        by_itself=bool(cycle.closed_by_itself),
        open_items=[str(item) for item in cycle.open_items],
    )
