"""Which period resources may be charged on demand, or why not (docs/domain/resources.md H.10)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import BadFieldError, RefusedError
from chassis.identity import Principal
from order.authorizations import hold_authorization, require_authorization
from order.conversions.refusals import (
    FrozenResourceError,
    MarketplaceResourceError,
    OrderUnderWayError,
    ProductNotConvertibleError,
    ResourceOverdueError,
)
from order.copies import Customer
from order.orders.find_order import hold_association, visible
from order.packages.models import Package
from order.peers import Peers
from order.refunds.models import ResourceUnknownError
from order.resources.ends import CLOSED, FROZEN
from order.resources.models import Resource
from order.resources.orders_under_way import named_under_way
from wire.times import SECOND
from wire.vocabulary import ChargingMode

QUOTED_LINES_MAX = 100  # in one question to billing
NOT_SOLD = frozenset({"CBC.99006006", "CBC.99006016"})  # billing: no such product, no such price


@dataclass(frozen=True, slots=True)
class Group:
    """A main resource and what is attached to it; converted together."""

    main: Resource
    attached: list[Resource]

    @property
    def resources(self) -> list[Resource]:
        """The main one first."""
        return [self.main, *self.attached]


def check_named_once(resource_ids: Sequence[str]) -> None:
    """A resource is named once in a request."""
    if len(set(resource_ids)) != len(resource_ids):
        raise BadFieldError("resource_ids", "the same resource twice")


async def hold_customer(session: AsyncSession, principal: Principal) -> Customer:
    """The customer that asks, as it stays; one conversion or refund of it after another."""
    one_at_a_time = func.pg_advisory_xact_lock(func.hashtext(f"order.refunds.{principal.id}"))
    await session.execute(select(one_at_a_time))
    customer = await hold_association(session, principal.id)
    if customer is None:
        raise ResourceUnknownError
    if principal.acting_for_partner is not None:
        await require_authorization(session, customer)
        await hold_authorization(session, customer)
    return customer


async def find_groups(
    session: AsyncSession, principal: Principal, resource_ids: Sequence[str], *, lock: bool
) -> dict[str, Group]:
    """The period resources among those named that are main ones and not closed, by their ids."""
    wanted = (
        select(Resource)
        .where(
            or_(
                Resource.resource_id.in_(resource_ids),
                Resource.main_resource_id.in_(resource_ids),
            ),
            Resource.charging_mode == ChargingMode.PERIOD,
            Resource.status != CLOSED,
            visible(principal, Resource, None),
        )
        .order_by(Resource.resource_id)
        .execution_options(populate_existing=True)
    )
    found = (await session.scalars(wanted.with_for_update(of=Resource) if lock else wanted)).all()
    return {
        main.resource_id: Group(
            main, [one for one in found if one.main_resource_id == main.resource_id]
        )
        for main in found
        if main.main_resource_id is None
    }


async def packages_named(
    session: AsyncSession, principal: Principal, resource_ids: Sequence[str]
) -> set[str]:
    """Those of the ids that are packages of the caller."""
    found = await session.scalars(
        select(Package.package_id).where(
            Package.package_id.in_(resource_ids), visible(principal, Package, None)
        )
    )
    return set(found)


async def under_way(session: AsyncSession, groups: Iterable[Group]) -> set[str]:
    """Of these resources, those that an order under way names."""
    named = [one.resource_id for group in groups for one in group.resources]
    return await named_under_way(session, named)


def check_group(group: Group, busy: set[str], now: datetime) -> None:
    """Refuse what cannot be charged on demand.

    Raises:
        ProductNotConvertibleError, ResourceOverdueError, FrozenResourceError, OrderUnderWayError

    """
    main = group.main
    if main.expire_at is None:
        raise ProductNotConvertibleError(main.resource_id)
    if main.expire_at + SECOND <= now:
        raise ResourceOverdueError(main.resource_id)
    if any(one.status == FROZEN for one in group.resources):
        raise FrozenResourceError(main.resource_id)
    if busy.intersection(one.resource_id for one in group.resources):
        raise OrderUnderWayError(main.resource_id)


async def check_sold_on_demand(
    peers: Peers, principal: Principal, customer_id: str, groups: Iterable[Group]
) -> None:
    """Ask billing whether each product has a price by the hour.

    Raises:
        ProductNotConvertibleError, MarketplaceResourceError: one of them; OutsideError.

    """
    lines = [_as_quoted(one) for group in groups for one in group.resources]
    for begin in range(0, len(lines), QUOTED_LINES_MAX):
        portion = lines[begin : begin + QUOTED_LINES_MAX]
        try:
            _, quoted = await peers.quote(principal, customer_id, portion)
        except RefusedError as refusal:
            if refusal.refusal_code in NOT_SOLD:
                raise ProductNotConvertibleError from refusal
            raise
        if any(line.is_marketplace for line in quoted):
            raise MarketplaceResourceError


def _as_quoted(resource: Resource) -> dict[str, Any]:
    """The resource as billing prices it by use; amounts travel as text."""
    size = resource.measure_size
    return {
        "service_type_code": resource.service_type_code,
        "resource_type_code": resource.resource_type_code,
        "resource_spec_code": resource.resource_spec_code,
        "region_code": resource.region_code,
        "charging_mode": int(ChargingMode.ON_DEMAND),
        "period_type": None,
        "period_num": None,
        "quantity": 1,
        "measure_size": None if size is None else format(size, "f"),
    }
