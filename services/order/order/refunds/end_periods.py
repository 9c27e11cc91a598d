"""End what an unsubscription gives back: at once, or when its review is over."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from contracts.order import PackageUnsubscribed
from order.orders.models import Order
from order.packages.facts import package_fact
from order.packages.find_package import check_unused
from order.packages.models import Package
from order.refunds.models import Refund
from order.refunds.plan_refund import GivenUp, PaidPeriod
from order.resources.ends import CLOSED
from order.resources.facts import resource_changed, resource_unsubscribed
from order.resources.models import Resource, ResourcePeriod
from wire.vocabulary import ChargingMode


def end_periods(
    session: AsyncSession,
    order: Order,
    periods: Sequence[PaidPeriod],
    resources: Sequence[GivenUp],
    now: datetime,
    *,
    closes: bool,
) -> None:
    """The periods are gone; a resource ends with them, or with the last one that is left."""
    for period in periods:
        period.refund_order_id = order.order_id
    for resource in resources:
        if isinstance(resource, Package):
            resource.close(now)
            outbox.publish(session, package_fact(PackageUnsubscribed, resource, now))
        elif closes:
            resource.close(now)
            outbox.publish(session, resource_unsubscribed(resource, now))
        else:
            resource.shorten(now)
            outbox.publish(session, resource_changed(resource, now))


async def end_reviewed_periods(
    session: AsyncSession, order: Order, refunds: Sequence[Refund], now: datetime
) -> None:
    """Those that the approved order names, of what it named when it was asked for.

    Nobody else renewed, converted or closed it meanwhile, since the order was under way; it may
    have come to its end, or have been frozen.

    Raises:
        PackageInUseError: something of a package was used while the review lasted.

    """
    resources = await lock_named(session, [refund.resource_id for refund in refunds])
    packages = await _lock_packages(session, refunds, now)
    periods = await periods_of(session, refunds)
    named = {refund.resource_id for refund in refunds}
    left = [
        period
        for resource in resources
        for period in resource.paid_periods
        if resource.resource_id in named
        and period not in periods
        and (period.end_at is None or period.end_at >= order.created_at)
    ]
    ended = resources if not left else [one for one in resources if one.resource_id in named]
    end_periods(session, order, [*periods, *packages], [*ended, *packages], now, closes=not left)


async def lock_named(session: AsyncSession, resource_ids: Sequence[str]) -> list[Resource]:
    """The resources and what is attached to them, main ones first; not what is closed already."""
    found = await session.scalars(
        select(Resource)
        .where(
            or_(
                Resource.resource_id.in_(resource_ids),
                Resource.main_resource_id.in_(resource_ids),
            ),
            Resource.charging_mode == ChargingMode.PERIOD,
            Resource.status != CLOSED,
        )
        .order_by(Resource.resource_id)
        .with_for_update(of=Resource)
        .execution_options(populate_existing=True)
    )
    return sorted(found, key=lambda one: one.main_resource_id is not None)


async def periods_of(session: AsyncSession, refunds: Sequence[Refund]) -> list[ResourcePeriod]:
    """What the refunds give back of resources."""
    ids = [refund.period_id for refund in refunds]
    found = await session.scalars(select(ResourcePeriod).where(ResourcePeriod.period_id.in_(ids)))
    return list(found)


async def _lock_packages(
    session: AsyncSession, refunds: Sequence[Refund], now: datetime
) -> list[Package]:
    """The packages among what is given back."""
    ids = [refund.resource_id for refund in refunds]
    found = await session.scalars(
        select(Package)
        .where(Package.package_id.in_(ids))
        .order_by(Package.package_id)
        .with_for_update(of=Package)
        .execution_options(populate_existing=True)
    )
    packages = list(found)
    for package in packages:
        check_unused(package, now)
    return packages
