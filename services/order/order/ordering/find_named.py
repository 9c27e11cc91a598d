"""The resources that an order names, as they stand or as they stay."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from order.ordering.refusals import (
    BeingProcessedError,
    InPendingOrderError,
    NotMainError,
    ResourceMissingError,
)
from order.orders.models import PROCESSING
from order.resources.models import Resource
from order.resources.orders_under_way import statuses_under_way


async def find_named(
    session: AsyncSession, allowed: ColumnElement[bool], resource_ids: Sequence[str], *, lock: bool
) -> list[Resource]:
    """Main resources in the order named, each before what is attached to it.

    Raises:
        ResourceMissingError, NotMainError

    """
    named = or_(Resource.resource_id.in_(resource_ids), Resource.main_resource_id.in_(resource_ids))
    by_id = await _find(session, named & allowed, lock=lock)
    resources = []
    for resource_id in resource_ids:
        main = by_id.get(resource_id)
        if main is None:
            raise ResourceMissingError(resource_id)
        if main.main_resource_id is not None:
            raise NotMainError(resource_id)
        attached = [one for one in by_id.values() if one.main_resource_id == resource_id]
        resources += [main, *attached]
    return resources


async def find_alone(
    session: AsyncSession, allowed: ColumnElement[bool], resource_ids: Sequence[str], *, lock: bool
) -> list[Resource]:
    """Exactly the resources named, main ones or attached, in that order.

    Raises:
        ResourceMissingError

    """
    by_id = await _find(session, Resource.resource_id.in_(resource_ids) & allowed, lock=lock)
    if missing := next((one for one in resource_ids if one not in by_id), None):
        raise ResourceMissingError(missing)
    return [by_id[one] for one in resource_ids]


async def _find(
    session: AsyncSession, condition: ColumnElement[bool], *, lock: bool
) -> dict[str, Resource]:
    wanted = (
        select(Resource)
        .where(condition)
        .order_by(Resource.resource_id)
        .execution_options(populate_existing=True)
    )
    found = await session.scalars(wanted.with_for_update(of=Resource) if lock else wanted)
    return {one.resource_id: one for one in found}


async def check_orders(session: AsyncSession, resources: Sequence[Resource]) -> None:
    """No order that is under way may name one of them.

    Raises:
        BeingProcessedError, InPendingOrderError

    """
    statuses = await statuses_under_way(session, [one.resource_id for one in resources])
    if PROCESSING in statuses:
        raise BeingProcessedError
    if statuses:
        raise InPendingOrderError
