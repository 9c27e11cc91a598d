"""What a change of size or specification costs more or less, or why it is refused.

See docs/domain/resources.md H.10, decision 0100.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import BadFieldError, RefusedError
from chassis.identity import Principal
from order.changes.bought import Bought, bought_of
from order.changes.give_difference_back import give_difference_back
from order.changes.planned_change import PlannedChange, values_left
from order.copies import Customer
from order.ordering.find_named import check_orders, find_alone
from order.ordering.refusals import NotSoldSoError, ResourceFrozenError, ResourceMissingError
from order.ordering.trades import PlacedBy, PlannedLine, Priced, Trade
from order.orders.discounts import ZERO
from order.orders.models import Order
from order.orders.place_order import MarketplaceError
from order.peers import Peers, Quote, QuotedLine
from order.refunds.reductions import Reductions, reductions_of
from order.refunds.refund_rules import hours_of, left_of
from order.resources.ends import CLOSED, FROZEN, IN_USE
from order.resources.models import Resource, ResourcePeriod
from wire.times import SECOND
from wire.vocabulary import ChargingMode, OrderType


class SomeMoreSomeLessError(BadFieldError):
    """An order is paid, or gives back: of these resources some would cost more and some less."""

    def __init__(self) -> None:
        super().__init__("resource_ids", "some would cost more and some less: order them apart")


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedChange(Trade):
    """Which resources become which product; without one they are only looked at."""

    order_type: ClassVar[OrderType] = OrderType.CHANGE

    resource_spec_code: str | None = None
    measure_size: Decimal | None = None

    async def plan(
        self, session: AsyncSession, now: datetime, *, lock: bool
    ) -> Sequence[PlannedLine]:
        """The named resources, main ones or attached, each by itself.

        Raises:
            ResourceMissingError, ResourceFrozenError, NotSoldSoError, InPendingOrderError,
            BeingProcessedError: of any of them, for all of them.

        """
        allowed = (
            (Resource.charging_mode == ChargingMode.PERIOD)
            & (Resource.status != CLOSED)
            & self.visible
        )
        resources = await find_alone(session, allowed, self.resource_ids, lock=lock)
        await check_orders(session, resources)
        paid = {one.resource_id: _in_effect(one, now) for one in resources}
        bases = [rows[0] for rows in paid.values()]
        lines = await bought_of(session, [base.period_id for base in bases])
        reductions = await reductions_of(session, [x for rows in paid.values() for x in rows])
        return [
            self._planned(one, paid[one.resource_id], lines, reductions, now) for one in resources
        ]

    def _planned(
        self,
        resource: Resource,
        paid: Sequence[ResourcePeriod],
        lines: Mapping[str, Bought],
        reductions: Reductions,
        now: datetime,
    ) -> PlannedChange:
        base = paid[0]
        line = lines[base.period_id]
        if base.end_at is None or line.period_type is None or line.period_num is None:
            raise NotSoldSoError(resource.resource_id)
        used, total = hours_of(base.begin_at, base.end_at, now)
        worth = Fraction(0)
        for one in paid:
            reduced = reductions.get(one.period_id, ())
            worth += left_of(one.amount_after_discount, one.begin_at, base.end_at, now, reduced)
        size = resource.measure_size if self.measure_size is None else self.measure_size
        return PlannedChange(
            resource=resource,
            resource_spec_code=self.resource_spec_code or resource.resource_spec_code,
            measure_size=size,
            period_type=line.period_type,
            period_num=line.period_num,
            effective_at=now,
            expire_at=base.end_at,
            extra_days=line.extra_days,
            at=now,
            paid=paid,
            reductions=reductions,
            worth=worth,
            ratio=line.ratio_paid,
            hours_left=total - used,
            hours_total=total,
        )

    async def price(
        self, peers: Peers, principal: Principal, planned: Sequence[PlannedLine]
    ) -> Priced:
        """What the new product costs of the period, and from that the differences.

        Discounts are offered of what is to be paid: billing is told that, and asked for them.

        Raises:
            BadFieldError: it is that product already; SomeMoreSomeLessError.

        """
        changes = [one for one in planned if isinstance(one, PlannedChange)]
        if any(one.is_the_same for one in changes):
            raise BadFieldError("resource_spec_code", "it is that already")
        lines = [one.as_quoted() for one in changes]
        quote = await self.ask_price(peers, principal, lines)
        if self.measure_size and any(one.size_measure_id is None for one in quote.lines):
            raise BadFieldError("measure_size", "it is not sold by size")
        differences = [
            one.difference(quoted.amount_after_discount)
            for one, quoted in zip(changes, quote.lines, strict=True)
        ]
        if any(one > 0 for one in differences):
            if any(one < 0 for one in differences):
                raise SomeMoreSomeLessError
            amounts = zip(lines, differences, strict=True)
            asked = [line | {"amount": f"{amount:f}"} for line, amount in amounts]
            return Priced(await self.ask_price(peers, principal, asked))
        gives_back = any(one < 0 for one in differences)
        given = [
            min(-amount, sum(values_left(one), ZERO))
            for one, amount in zip(changes, differences, strict=True)
        ]
        pairs = zip(quote.lines, given, strict=True)
        return Priced(Quote(quote.currency, [_costing(*x) for x in pairs], []), gives_back)

    async def settle_at_once(
        self,
        session: AsyncSession,
        customer: Customer,
        planned: Sequence[PlannedLine],
        priced: Priced,
        by: PlacedBy,
        now: datetime,
    ) -> Order | None:
        """What costs less is changed, and the difference goes back."""
        if not priced.gives_back:
            return None
        return await give_difference_back(
            session, customer, planned, priced, by, now, self.approvals
        )

    def latest_payment(self, planned: Sequence[PlannedLine]) -> datetime | None:
        """Once the period is over there is nothing to change: it was priced for its hours."""
        ends = [one.expire_at + SECOND for one in planned if one.expire_at is not None]
        return min([*ends, *([] if self.pay_before is None else [self.pay_before])], default=None)

    def marketplace_refusal(self) -> RefusedError:
        """As of a purchase."""
        return MarketplaceError()


def _in_effect(resource: Resource, now: datetime) -> Sequence[ResourcePeriod]:
    """The period in effect, and what changes of it cost more.

    Raises:
        ResourceFrozenError, ResourceMissingError: its time is over.

    """
    if resource.status == FROZEN:
        raise ResourceFrozenError(resource.resource_id)
    is_over = resource.expire_at is not None and resource.expire_at + SECOND <= now
    paid = resource.periods_at(now)
    if resource.status != IN_USE or is_over or not paid:
        raise ResourceMissingError(resource.resource_id)
    return paid


def _costing(quoted: QuotedLine, amount: Decimal) -> QuotedLine:
    return replace(
        quoted, official_amount=amount, discount_amount=ZERO, amount_after_discount=amount
    )
