"""Period resources of a customer: list_pay_per_use_customer_resources, whose name misleads."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import BadFieldError, UnknownValueError
from chassis.identity import Principal
from order.orders.find_order import visible
from order.resources.models import Resource
from wire.times import next_second
from wire.types import Instant, WireRequest
from wire.vocabulary import ChargingMode

PERIOD = ChargingMode.PERIOD
STATUSES = (2, 3, 4, 5)  # of period resources, docs/domain/resources.md B.6


class ListResources(WireRequest, operation="list_pay_per_use_customer_resources"):
    """The body of list_pay_per_use_customer_resources."""

    customer_id: str | None = None
    resource_ids: list[str] | None = None
    order_id: str | None = None
    only_main_resource: int = 0
    status_list: list[int] | None = None
    service_type_code: str | None = None
    expire_time_begin: Instant | None = None
    expire_time_end: Instant | None = None
    limit: int = 10
    offset: int = 0


@dataclass(frozen=True, slots=True)
class ResourcePage:
    """Rows of a page and how many match in all."""

    total_count: int
    resources: list[Row[Any]]


async def list_resources(
    session: AsyncSession, principal: Principal, query: ListResources
) -> ResourcePage:
    """The page asked for; a partner must say whose, and sees its resale customers' only.

    Whose is ignored for customers, who see their own (docs/domain/orders.md H.14).
    """
    if principal.is_partner and query.customer_id is None:
        raise BadFieldError("customer_id", "a partner says whose resources")
    if any(status not in STATUSES for status in query.status_list or []):
        raise UnknownValueError("status_list")
    conditions = [visible(principal, Resource, None), *_filters(principal, query)]
    total = await session.scalar(select(func.count()).select_from(Resource).where(*conditions))
    page = (
        select(*Resource.__table__.c)
        .where(*conditions)
        .order_by(Resource.effective_at.desc(), Resource.resource_id)
        .limit(query.limit)
        .offset(query.offset)
    )
    return ResourcePage(total or 0, list(await session.execute(page)) if total else [])


def _filters(principal: Principal, query: ListResources) -> list[ColumnElement[bool]]:
    chosen: list[ColumnElement[bool]] = [Resource.charging_mode == PERIOD]
    if query.customer_id is not None and not principal.is_customer:
        chosen.append(Resource.customer_id == query.customer_id)
    if query.resource_ids:
        chosen.append(_named(query.resource_ids, with_attached=not query.only_main_resource))
    elif query.only_main_resource:
        chosen.append(Resource.main_resource_id.is_(None))
    if query.order_id is not None:
        chosen.append(Resource.order_id == query.order_id.upper())
    if query.status_list:
        chosen.append(Resource.status.in_(query.status_list))
    if query.service_type_code is not None:
        wanted = query.service_type_code.lower()
        chosen.append(func.lower(Resource.service_type_code) == wanted)
    if query.expire_time_begin is not None:
        chosen.append(Resource.expire_at >= query.expire_time_begin)
    if query.expire_time_end is not None:
        chosen.append(Resource.expire_at < next_second(query.expire_time_end))
    return chosen


def _named(resource_ids: list[str], *, with_attached: bool) -> ColumnElement[bool]:
    """The named ones, an attached one, too; and unless main ones alone are asked for, theirs."""
    named = Resource.resource_id.in_(resource_ids)
    if not with_attached:
        return named
    return or_(named, Resource.main_resource_id.in_(resource_ids))
