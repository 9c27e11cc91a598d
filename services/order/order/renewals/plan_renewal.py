"""Which resources a renewal is about and until when, or why it is refused.

See docs/domain/resources.md H.7.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from sqlalchemy.ext.asyncio import AsyncSession

from order.ordering.find_named import check_orders, find_named
from order.ordering.refusals import NotSoldSoError, PeriodNotAllowedError
from order.ordering.trades import PlannedLine, Trade
from order.renewals.refusals import TooFarError
from order.resources.ends import CLOSED
from order.resources.models import Resource
from order.resources.periods import YEAR, renewed_period, too_far
from order.resources.renewal_settings import settings_of
from wire.vocabulary import ChargingMode, OrderType

PERIOD = ChargingMode.PERIOD
YEARS_MAX = 3  # of one renewal


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedRenewal(Trade):
    """Which main resources are renewed, and for how long."""

    order_type: ClassVar[OrderType] = OrderType.RENEWAL

    period_type: int
    period_num: int

    async def plan(
        self, session: AsyncSession, now: datetime, *, lock: bool
    ) -> Sequence[PlannedLine]:
        """The named main resources in their order, each before what is attached to it.

        Raises:
            PeriodNotAllowedError, ResourceMissingError, NotMainError, InPendingOrderError,
            BeingProcessedError, NotSoldSoError, TooFarError: of any of them, for all of them.

        """
        if self.period_type == YEAR and self.period_num > YEARS_MAX:
            raise PeriodNotAllowedError
        allowed = (Resource.charging_mode == PERIOD) & (Resource.status != CLOSED) & self.visible
        resources = await find_named(session, allowed, self.resource_ids, lock=lock)
        await check_orders(session, resources)
        owner = resources[0]
        _, unified_day = await settings_of(session, owner.customer_id, owner.partner_id)
        return [self._planned(resource, unified_day, now) for resource in resources]

    def _planned(self, resource: Resource, unified_day: int | None, now: datetime) -> PlannedLine:
        ends = [period.end_at for period in resource.running_periods]
        if not ends or ends[0] is None or ends[-1] is None:
            raise NotSoldSoError(resource.resource_id)
        period = renewed_period(ends[0], ends[-1], self.period_type, self.period_num, unified_day)
        if too_far(period.end_at, now):
            raise TooFarError(resource.resource_id)
        return PlannedLine(
            resource=resource,
            resource_spec_code=resource.resource_spec_code,
            measure_size=resource.measure_size,
            period_type=self.period_type,
            period_num=self.period_num,
            effective_at=period.begin_at,
            expire_at=period.end_at,
            extra_days=period.extra_days,
        )
