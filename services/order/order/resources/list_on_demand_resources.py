"""On-demand resources of a partner's customer: list_customer_on_demand_resources."""

from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.identity import Principal
from chassis.tenancy import acted_for
from order.copies import Partner
from order.orders.find_order import visible
from order.resources.list_resources import ResourcePage
from order.resources.models import Resource
from wire.times import next_second
from wire.types import Id, Instant, WireRequest
from wire.vocabulary import ChargingMode

ON_DEMAND = ChargingMode.ON_DEMAND


class ListOnDemandResources(WireRequest, operation="list_customer_on_demand_resources"):
    """The body of list_customer_on_demand_resources."""

    customer_id: Id
    region_code: str | None = None
    service_type_code: str | None = None
    resource_ids: list[str] | None = None
    effective_time_begin: Instant | None = None
    effective_time_end: Instant | None = None
    status: int | None = None
    indirect_partner_id: str | None = None
    limit: int = 10
    offset: int = 0


async def list_on_demand_resources(
    session: AsyncSession, principal: Principal, query: ListOnDemandResources
) -> ResourcePage:
    """The page asked for, the newest first; closed ones too, unless a status is named.

    A customer that is not the partner's, or its named reseller's, has none.
    """
    acted = await acted_for(session, principal, query.indirect_partner_id, Partner)
    conditions = [visible(principal, Resource, acted), *_filters(query)]
    total = await session.scalar(select(func.count()).select_from(Resource).where(*conditions))
    page = (
        select(*Resource.__table__.c)
        .where(*conditions)
        .order_by(Resource.effective_at.desc(), Resource.resource_id)
        .limit(query.limit)
        .offset(query.offset)
    )
    rows: list[Any] = list(await session.execute(page)) if total else []
    return ResourcePage(total or 0, rows)


def _filters(query: ListOnDemandResources) -> list[ColumnElement[bool]]:
    chosen: list[ColumnElement[bool]] = [
        Resource.charging_mode == ON_DEMAND, Resource.customer_id == query.customer_id,
    ]  # fmt: skip
    if query.region_code is not None:
        chosen.append(Resource.region_code == query.region_code)
    if query.service_type_code is not None:
        wanted = query.service_type_code.lower()
        chosen.append(func.lower(Resource.service_type_code) == wanted)
    if query.resource_ids:
        chosen.append(Resource.resource_id.in_(query.resource_ids))
    if query.effective_time_begin is not None:
        chosen.append(Resource.effective_at >= query.effective_time_begin)
    if query.effective_time_end is not None:
        chosen.append(Resource.effective_at < next_second(query.effective_time_end))
    if query.status is not None:
        chosen.append(Resource.status == query.status)
    return chosen
