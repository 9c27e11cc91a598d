"""Search over the whole portfolio: the seed's eight filters in any combination, sorted and counted.

Filters: association type, association time, name, account manager, consumption this month, resource
expiry, mobile, label (domain.md F4).
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import literal

from chassis.errors import BadFieldError
from chassis.identity import Principal
from gateway.portfolio.models import ResourceRow
from gateway.portfolio.models import VisibleCustomer as CustomerRow
from gateway.portfolio.names import needed_grams, pattern
from wire.times import cycle_of

PAGE_CUSTOMERS_MAX = 200
EXPIRY_DAYS_MAX = 3660

Text = Annotated[str, StringConstraints(min_length=1, max_length=128, strip_whitespace=True)]


class CustomerSearch(BaseModel):
    """The filters, the order and the page. Instants are ISO 8601 with an offset."""

    model_config = ConfigDict(extra="forbid")

    association_type: Literal["1", "2", "3"] | None = None
    association_status: Literal["pending", "associated", "unlinked", "any"] = "associated"
    associated_from: AwareDatetime | None = None
    associated_until: AwareDatetime | None = None
    name: Text | None = None
    account_manager: Text | None = None
    consumption_min: Annotated[Decimal, Field(max_digits=20, decimal_places=2)] | None = None
    consumption_max: Annotated[Decimal, Field(max_digits=20, decimal_places=2)] | None = None
    expires_within_days: Annotated[int, Field(ge=0, le=EXPIRY_DAYS_MAX)] | None = None
    mobile: Text | None = None
    label: Text | None = None
    partner_id: Text | None = None
    sort: Literal["account_name", "associated_on", "consumption", "customer_id"] = "associated_on"
    order: Literal["asc", "desc"] = "desc"
    limit: Annotated[int, Field(ge=1, le=PAGE_CUSTOMERS_MAX)] = 20
    after: Annotated[str, StringConstraints(max_length=500)] | None = None
    count: bool = True


async def find_customers(
    session: AsyncSession, principal: Principal, search: CustomerSearch, now: datetime
) -> dict[str, Any]:
    """A page of customers, the count of all that match, the cursor of the next page, and `as_of`.

    Consumption is that of the bill cycle which `now` lies in, Beijing time.

    Raises:
        BadFieldError: the cursor is not one of ours, or belongs to another order.

    """
    cycle = cycle_of(now)
    matching = and_(*_visible(principal), *_conditions(search, cycle, now))
    by = _sort_column(search.sort, cycle)
    key = tuple_(by, CustomerRow.customer_id)
    page = select(*_shown(cycle, now), by.label("sort_value")).where(matching)
    if search.after is not None:
        at = tuple_(*_read_cursor(search))
        page = page.where(key > at if search.order == "asc" else key < at)
    ends = [by, CustomerRow.customer_id]
    page = page.order_by(*[c.asc() if search.order == "asc" else c.desc() for c in ends])
    rows = [dict(r) for r in (await session.execute(page.limit(search.limit + 1))).mappings()]
    more = len(rows) > search.limit
    rows = rows[: search.limit]
    answer: dict[str, Any] = {
        "next": _cursor(search, rows[-1]) if more else None,
        "as_of": await session.scalar(select(func.max(CustomerRow.as_of)).where(matching)),
    }
    if search.count:
        answer["count"] = await session.scalar(select(func.count()).where(matching))
    for row in rows:
        row.pop("sort_value")
    return {"customers": rows, **answer}


def _visible(principal: Principal) -> list[ColumnElement[bool]]:
    """The query's own wall; row-level security is the second."""
    shown = [CustomerRow.version > 0]
    if not principal.is_administrator:
        own = CustomerRow.partner_id == principal.id
        shown.append(or_(own, CustomerRow.distributor_id == principal.id)
                     if principal.kind == "distributor" else own)  # fmt: skip
    return shown


def _conditions(search: CustomerSearch, cycle: str, now: datetime) -> list[ColumnElement[bool]]:
    row = CustomerRow
    given: list[ColumnElement[bool]] = []
    if search.association_status != "any":
        given.append(row.association_status == search.association_status)
    if search.association_type is not None:
        given.append(row.association_type == search.association_type)
    if search.associated_from is not None:
        given.append(row.associated_on >= search.associated_from)
    if search.associated_until is not None:
        given.append(row.associated_on < search.associated_until)
    if search.name is not None:
        given.append(_name_contains(search.name))
    if search.account_manager is not None:
        manager = search.account_manager
        given.append(or_(row.account_manager_name == manager, row.account_manager_id == manager))
    if search.mobile is not None:
        given.append(row.mobile == search.mobile)
    if search.label is not None:
        given.append(row.label == search.label)
    if search.partner_id is not None:
        given.append(row.partner_id == search.partner_id)
    given += _consumption_between(search, cycle)
    if search.expires_within_days is not None:
        given.append(_something_expires(now, timedelta(days=search.expires_within_days)))
    return given


def _name_contains(name: str) -> ColumnElement[bool]:
    row = CustomerRow
    like = pattern(name)
    contains = or_(
        func.lower(row.account_name).like(like), func.lower(row.customer_name).like(like)
    )
    return and_(row.names.contains(needed_grams(name)), contains)


def _consumption_between(search: CustomerSearch, cycle: str) -> list[ColumnElement[bool]]:
    row = CustomerRow
    least, most = search.consumption_min, search.consumption_max
    given: list[ColumnElement[bool]] = []
    if least is not None and least > 0:  # whoever has no line this month has consumed nothing
        given += [row.consumption_cycle == cycle, row.consumption_amount >= least]
    elif least is not None:
        given.append(_consumption(cycle) >= least)
    if most is not None:
        given.append(_consumption(cycle) <= most)
    return given


def _something_expires(now: datetime, within: timedelta) -> ColumnElement[bool]:
    return exists().where(
        ResourceRow.customer_id == CustomerRow.customer_id,
        ResourceRow.partner_id == CustomerRow.partner_id,
        ResourceRow.expire_at >= now,
        ResourceRow.expire_at < now + within,
    )


def _consumption(cycle: str) -> ColumnElement[Decimal]:
    row = CustomerRow
    return case((row.consumption_cycle == cycle, row.consumption_amount), else_=literal(0))


def _sort_column(sort: str, cycle: str) -> ColumnElement[Any]:
    if sort == "consumption":
        return _consumption(cycle)
    column: ColumnElement[Any] = getattr(CustomerRow, sort)
    if sort == "associated_on":
        return func.coalesce(column, CustomerRow.registered_at)
    return column


def _shown(cycle: str, now: datetime) -> list[ColumnElement[Any]]:
    row = CustomerRow
    next_expiry = (
        select(func.min(ResourceRow.expire_at))
        .where(ResourceRow.customer_id == row.customer_id, ResourceRow.expire_at >= now)
        .scalar_subquery()
    )
    columns: list[Any] = [
        row.customer_id, row.account_name, row.customer_name, row.partner_id,
        row.association_type, row.association_status, row.associated_on, row.label,
        row.mobile, row.account_manager_id, row.account_manager_name, row.currency,
        row.is_frozen, row.debt_amount, row.as_of,
    ]  # fmt: skip
    return [
        *columns,
        _consumption(cycle).label("consumption_this_month"),
        next_expiry.label("next_expiry"),
    ]


def _cursor(search: CustomerSearch, last: dict[str, Any]) -> str:
    value = last["sort_value"]
    told = value.isoformat() if isinstance(value, datetime) else str(value)
    place = [search.sort, search.order, told, last["customer_id"]]
    return urlsafe_b64encode(json.dumps(place).encode()).decode()


def _read_cursor(search: CustomerSearch) -> list[Any]:
    try:
        sort, order, told, customer_id = json.loads(urlsafe_b64decode(search.after or ""))
        if (sort, order) != (search.sort, search.order):
            raise BadFieldError("after", "the cursor belongs to another order")
        if sort == "associated_on":
            return [datetime.fromisoformat(told), customer_id]
        return [Decimal(told) if sort == "consumption" else told, customer_id]
    except (ValueError, TypeError, ArithmeticError) as error:
        raise BadFieldError("after", "not a cursor of this search") from error
