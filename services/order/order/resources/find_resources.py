"""Resources of all customers of a partner, or a customer's own: GET /api/resources."""

from collections.abc import Sequence
from typing import Any

from pydantic import Field
from sqlalchemy import ColumnElement, Row, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.cursors import cursor_after, keys_after
from chassis.errors import BadFieldError
from chassis.identity import Principal
from order.orders.find_order import visible_with_resellers
from order.resources.models import Resource
from wire.times import parse_native_instant
from wire.types import NativeInstant, NativeQuery

PAGE_MAX = 100  # resources
RESOURCES = "resources"


class FindResources(NativeQuery):
    """Filters and the page; `after` is the `next` of the page before."""

    customer_id: str | None = None
    charging_mode: int | None = None
    status: int | None = None
    service_type_code: str | None = None
    expire_from: NativeInstant | None = None
    expire_to: NativeInstant | None = None
    after: str | None = None
    limit: int = Field(default=20, ge=1, le=PAGE_MAX)


async def find_resources(
    session: AsyncSession, principal: Principal, query: FindResources
) -> tuple[Sequence[Row[Any]], str | None]:
    """One page, the newest first, and what to ask the next one after (None: there is none)."""
    begin, end = query.expire_from, query.expire_to
    if begin is not None and end is not None and end < begin:
        raise BadFieldError("expire_to", "before the begin")
    visible = visible_with_resellers(principal, Resource, row_by_row=True)
    conditions = [visible, *_filters(query)]
    rows = (
        await session.execute(
            select(*Resource.__table__.c)
            .where(*conditions)
            .order_by(Resource.effective_at.desc(), Resource.resource_id.desc())
            .limit(query.limit + 1)
        )
    ).all()
    page = rows[: query.limit]
    if len(rows) <= query.limit:
        return page, None
    last = page[-1]
    return page, cursor_after(RESOURCES, last.effective_at.isoformat(), last.resource_id)


def _filters(query: FindResources) -> list[ColumnElement[bool]]:
    chosen: list[ColumnElement[bool]] = []
    for name in ("customer_id", "charging_mode", "status", "service_type_code"):
        wanted = getattr(query, name)
        if wanted is not None:
            chosen.append(getattr(Resource, name) == wanted)
    if query.expire_from is not None:
        chosen.append(Resource.expire_at >= query.expire_from)
    if query.expire_to is not None:
        chosen.append(Resource.expire_at < query.expire_to)
    if query.after:
        chosen.append(_behind(*keys_after(RESOURCES, query.after, 2)))
    return chosen


def _behind(at: str, resource_id: str) -> ColumnElement[bool]:
    try:
        effective_at = parse_native_instant(at)
    except ValueError as error:
        raise BadFieldError("after", "not a cursor of this list") from error
    same = and_(Resource.effective_at == effective_at, Resource.resource_id < resource_id)
    return or_(Resource.effective_at < effective_at, same)
