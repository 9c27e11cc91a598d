"""Which on-demand resources are to be paid for a period, or why not.

See docs/domain/resources.md H.10, decision 0100.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import RefusedError
from order.ordering.find_named import check_orders, find_named
from order.ordering.refusals import PeriodNotAllowedError, ResourceFrozenError
from order.ordering.trades import PlannedLine, Trade
from order.orders.place_order import MarketplaceError
from order.resources.models import CLOSED_ON_DEMAND, FROZEN_ON_DEMAND, Resource
from order.resources.periods import YEAR
from wire.vocabulary import ChargingMode, OrderType

YEARS_MAX = 3
CLOSING_ON_DEMAND = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedPeriod(Trade):
    """Main resources that are used on demand, and what they are to be paid for."""

    order_type: ClassVar[OrderType] = OrderType.TO_PERIOD
    attaches: ClassVar[bool] = True

    period_type: int
    period_num: int

    async def plan(
        self,
        session: AsyncSession,
        now: datetime,  # noqa: ARG002 - the period begins when it is carried out
        *,
        lock: bool,
    ) -> Sequence[PlannedLine]:
        """The named resources in their order, each before what is attached to it.

        Raises:
            PeriodNotAllowedError, ResourceMissingError, NotMainError, ResourceFrozenError,
            InPendingOrderError, BeingProcessedError: of any of them, for all of them.

        """
        if self.period_type == YEAR and self.period_num > YEARS_MAX:
            raise PeriodNotAllowedError
        allowed = (
            (Resource.charging_mode == ChargingMode.ON_DEMAND)
            & Resource.status.not_in((CLOSING_ON_DEMAND, CLOSED_ON_DEMAND))
            & self.visible
        )
        resources = await find_named(session, allowed, self.resource_ids, lock=lock)
        if frozen := next((one for one in resources if one.status == FROZEN_ON_DEMAND), None):
            raise ResourceFrozenError(frozen.resource_id)
        await check_orders(session, resources)
        return [
            PlannedLine(
                resource=resource,
                resource_spec_code=resource.resource_spec_code,
                measure_size=resource.measure_size,
                period_type=self.period_type,
                period_num=self.period_num,
                effective_at=None,
                expire_at=None,
            )
            for resource in resources
        ]

    def marketplace_refusal(self) -> RefusedError:
        """As of a purchase."""
        return MarketplaceError()
