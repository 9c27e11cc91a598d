"""What an unsubscription of resources gives back, period by period, or why it is refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from order.orders.models import PROCESSING
from order.packages.find_package import check_unused, lock_packages
from order.packages.models import Package
from order.refunds.fees import fee_rate
from order.refunds.models import (
    NothingRenewedError,
    NotWithoutMainError,
    ResourceBusyError,
    ResourceClosedError,
    ResourceFrozenError,
    ResourcePendingError,
    ResourceUnknownError,
)
from order.refunds.reductions import Reductions, reductions_of
from order.refunds.refund_rules import (
    GivenBack,
    Means,
    give_all_back,
    give_nothing_back,
    give_rest_back,
    still_paid,
)
from order.resources.models import Resource, ResourcePeriod
from order.resources.orders_under_way import statuses_under_way
from wire.times import BEIJING

PERIOD = 1  # charging mode
IN_USE, FROZEN = 2, 4  # docs/domain/resources.md B.6
WHOLE, RENEWED = 1, 2  # unsubscribe_type: resources with their periods, renewed periods alone
FIVE_DAYS = timedelta(days=5)
FIVE_DAYS_MAX = 10  # such unsubscriptions of a customer in a Beijing calendar year


GivenUp = Resource | Package  # a package is its own period (docs/domain/resources.md H.13)
PaidPeriod = ResourcePeriod | Package


@dataclass(frozen=True, slots=True)
class PlannedRefund:
    """What goes back of one period."""

    resource: GivenUp
    period: PaidPeriod
    given: GivenBack


@dataclass(frozen=True, slots=True)
class RefundPlan:
    """The periods of main resources and what is attached to them, main ones in the asked order."""

    resources: list[GivenUp]
    refunds: list[PlannedRefund]
    closes: bool  # the resources end, too
    five_days_left: int  # of the ten, before this one


async def plan_refund(
    session: AsyncSession,
    visible: ColumnElement[bool],
    resource_ids: Sequence[str],
    unsubscribe_type: int,
    now: datetime,
    packages_visible: ColumnElement[bool] | None = None,
) -> RefundPlan:
    """Lock the resources and compute; refused as a whole where one of them is.

    Packages are named as resources are, where the caller says which it sees.

    Raises:
        ResourceUnknownError, ResourceClosedError, ResourceFrozenError, ResourcePendingError,
        ResourceBusyError, NotWithoutMainError, NothingRenewedError, PackageInUseError

    """
    packages = await _lock_packages(session, packages_visible, resource_ids, now)
    rest = [one for one in resource_ids if one not in packages]
    found = await _lock_resources(session, visible, rest, now) if rest else []
    by_id: dict[str, GivenUp] = {**{one.resource_id: one for one in found}, **packages}
    mains = [by_id[one] for one in resource_ids if by_id[one].main_resource_id is None]
    resources = [*mains, *(one for one in found if one.main_resource_id is not None)]
    await check_no_orders(session, resources)
    left = await _five_days_left(session, resources[0].customer_id, now)
    reductions = await reductions_of(session, [p for one in found for p in one.paid_periods])
    plan: list[PlannedRefund] = []
    free = left
    for main in [one for one in resources if one.main_resource_id is None]:
        group = [main, *(one for one in resources if one.main_resource_id == main.resource_id)]
        if unsubscribe_type == RENEWED:
            planned = [refund for one in group for refund in _renewed(one, now)]
            if not planned:
                raise NothingRenewedError(main.resource_id)
        else:
            counts = free > 0 and _is_new(main, now)
            free -= counts
            planned = [
                refund for one in group for refund in _whole(one, reductions, now, counts=counts)
            ]
            if not planned:
                raise ResourceClosedError(main.resource_id)
        plan += planned
    return RefundPlan(resources, plan, unsubscribe_type == WHOLE, left)


def _is_new(resource: GivenUp, now: datetime) -> bool:
    """Whether its purchase is some days old; one of a thing used on demand is no purchase."""
    bought = any(period.order_id == resource.order_id for period in resource.paid_periods)
    return bought and now < resource.effective_at + FIVE_DAYS


def _whole(
    resource: GivenUp, reductions: Reductions, now: datetime, *, counts: bool
) -> list[PlannedRefund]:
    return [
        PlannedRefund(resource, period, _given(resource, period, reductions, now, counts=counts))
        for period in resource.paid_periods
        if period.end_at is None or period.end_at >= now
    ]


def _renewed(resource: GivenUp, now: datetime) -> list[PlannedRefund]:
    if isinstance(resource, Package):
        return []  # never renewed, even if it has not begun
    return [
        PlannedRefund(resource, period, give_all_back("not_effective", means_of(period)))
        for period in resource.paid_periods
        if period.begin_at > now
    ]


def _given(
    resource: GivenUp,
    period: PaidPeriod,
    reductions: Reductions,
    now: datetime,
    *,
    counts: bool,
) -> GivenBack:
    """What a change cost more goes back as the period that it was paid on top of."""
    paid, reduced = means_of(period), reductions.get(period.period_id, ())
    if period.begin_at > now:
        return give_all_back("not_effective", paid)
    base = base_of(resource, period)
    if counts and base.order_id == resource.order_id:
        return give_all_back("five_days", still_paid(paid, reduced))
    if period.end_at is None:
        return give_nothing_back(paid)
    rate = fee_rate(base.begin_at, period.end_at, now)
    return give_rest_back(paid, period.begin_at, period.end_at, now, rate, reduced)


def base_of(resource: GivenUp, period: PaidPeriod) -> PaidPeriod:
    """The period itself, or the one that a change of it was paid on top of."""
    base: PaidPeriod
    for base in resource.paid_periods:
        if base.period_id == period.base_period_id:
            return base
    return period


def means_of(period: PaidPeriod) -> Means:
    """What each means paid of the period."""
    return Means(
        period.coupon_amount,
        period.flexipurchase_coupon_amount,
        period.stored_card_amount,
        period.cash_amount,
        period.credit_amount,
    )


async def _lock_packages(
    session: AsyncSession,
    visible: ColumnElement[bool] | None,
    resource_ids: Sequence[str],
    now: datetime,
) -> Mapping[str, Package]:
    """The named packages, none of which was used or is over."""
    if visible is None:
        return {}
    packages = await lock_packages(session, visible, resource_ids)
    for package in packages.values():
        if not check_unused(package, now):
            raise ResourceClosedError(package.package_id)
    return packages


async def _lock_resources(
    session: AsyncSession,
    visible: ColumnElement[bool],
    resource_ids: Sequence[str],
    now: datetime,
) -> list[Resource]:
    """The named main resources in their order, and behind them what is attached to them."""
    found = await session.scalars(
        select(Resource)
        .where(
            or_(
                Resource.resource_id.in_(resource_ids),
                Resource.main_resource_id.in_(resource_ids),
            ),
            Resource.charging_mode == PERIOD,
            visible,
        )
        .order_by(Resource.resource_id)
        .with_for_update(of=Resource)
        .execution_options(populate_existing=True)
    )
    by_id = {one.resource_id: one for one in found}
    for resource_id in resource_ids:
        if resource_id not in by_id:
            raise ResourceUnknownError(resource_id)
        main_id = by_id[resource_id].main_resource_id
        if main_id is not None and main_id not in resource_ids:
            raise NotWithoutMainError(resource_id)
    mains = [by_id[one] for one in resource_ids if by_id[one].main_resource_id is None]
    for main in mains:
        if main.status == FROZEN:
            raise ResourceFrozenError(main.resource_id)
        if main.status != IN_USE or (main.expire_at is not None and main.expire_at < now):
            raise ResourceClosedError(main.resource_id)
    attached = [one for one in by_id.values() if one.main_resource_id is not None]
    if frozen := next((one for one in attached if one.status == FROZEN), None):
        raise ResourceFrozenError(frozen.resource_id)
    attached = [one for one in attached if one.status == IN_USE]
    return [*mains, *attached]


async def check_no_orders(session: AsyncSession, resources: Sequence[GivenUp]) -> None:
    """No order that is under way may name one of them."""
    statuses = await statuses_under_way(session, [one.resource_id for one in resources])
    if PROCESSING in statuses:
        raise ResourceBusyError
    if statuses:
        raise ResourcePendingError


async def _five_days_left(session: AsyncSession, customer_id: str, now: datetime) -> int:
    here = now.astimezone(BEIJING)
    year = here.replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
    # Under whatever partner (decision 0157)
    counted = select(func.counted_unsubscriptions(customer_id, year))
    return max(FIVE_DAYS_MAX - (await session.scalar(counted) or 0), 0)
