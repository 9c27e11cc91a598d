"""Costs by time and up to ten dimensions (list_costs)."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from pydantic import BaseModel
from sqlalchemy import ColumnElement, Text, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.bills.bill_types import CUSTOMERS_CLASS
from billing.bills.windows import check_cycle
from billing.costs.amortise import (
    ZERO,
    Period,
    days_of_month,
    first_of_next,
    means_of,
    month_of,
    share_of_month,
)
from billing.costs.list_break_down import COSTS_VIEW_MONTHS
from billing.costs.spread_lines import costing, is_spread, oldest_of, period_of, refunded_at
from billing.lines.account_of import Split, split_of
from billing.lines.models import BillLine
from billing.records.asked import paying
from billing.records.whose import currency_of, seen_customers
from chassis.errors import BadFieldError, UnknownValueError
from chassis.identity import Principal
from wire.money import cut
from wire.times import parse_cycle, parse_day
from wire.types import WireRequest

BY_DAY, BY_MONTH = 1, 2  # time_measure_id
TAG, COST_UNIT, DIMENSION = "tag", "cost_unit", "dimension"  # type of a group
AMORTIZED, NET = "AMORTIZED_COST", "NET_AMOUNT"
ONLY, ALL_BUT = 0, 1  # operator
DAYS_MAX = 31 * COSTS_VIEW_MONTHS  # from the begin to the end
MONTH_CHARACTERS = 7  # YYYY-MM

_DIMENSIONS: dict[str, ColumnElement[Any]] = {
    "CLOUD_SERVICE_TYPE": BillLine.service_type_code.expression,
    "RESOURCE_TYPE": BillLine.resource_type_code.expression,
    "REGION_CODE": BillLine.region_code.expression,
    "AZ_CODE": BillLine.az_code.expression,
    "ENTERPRISE_PROJECT_ID": BillLine.enterprise_project_id.expression,
    "RES_SPEC_CODE": BillLine.resource_spec_code.expression,
    "CHARGING_MODE": BillLine.charging_mode.expression,
    "USAGE_TYPE": BillLine.usage_type.expression,
    "BILL_TYPE": CUSTOMERS_CLASS,
    "PAYER_ACCOUNT_ID": paying(BillLine),
    "RESOURCE_ID": BillLine.resource_id.expression,
}
_ACCOUNT = "ASSOCIATED_ACCOUNT"  # the dimension that says whose a line is
_NOBODYS = {"BE_ID", "COST_UNIT"}  # dimensions that are known, and that no line has


class _Time(BaseModel):
    time_measure_id: int
    begin_time: str
    end_time: str


class _Group(BaseModel):
    type: str
    key: str


class _Factor(BaseModel):
    key: str
    value: list[str]


class _Filter(BaseModel):
    operator: int
    filter_factor: _Factor


class ListCosts(WireRequest, operation="list_costs"):
    """The body."""

    time_condition: _Time
    groupby: list[_Group]
    cost_type: str
    amount_type: str
    filters: list[_Filter] | None = None
    limit: int = 10
    offset: int = 0


@dataclass(frozen=True, slots=True)
class _Span:
    """The times asked for, both included."""

    begin: date
    end: date  # the last day
    by_month: bool

    def months(self) -> Iterator[str]:
        day = self.begin
        while day <= self.end:
            yield month_of(day)
            day = first_of_next(day)

    def of(self, day: date) -> str:
        return month_of(day) if self.by_month else day.isoformat()


Costs = dict[tuple[str, ...], dict[str, list[Decimal]]]
"""By dimension values and time: what it cost, and at list prices."""


async def list_costs(
    session: AsyncSession, principal: Principal, wanted: ListCosts, now: datetime
) -> dict[str, Any]:
    """Original costs stand where they were charged, amortised ones in the months that share them.

    An amortised month is what list_customer_bills_monthly_break_down adds up to.

    Raises:
        BadFieldError: a month where a day is asked, or the other way; too old; a key twice.
        UnknownValueError: no such dimension.

    """
    span = _span(wanted.time_condition, now)
    customers = await seen_customers(session, principal, None, None)
    months = list(span.months())
    since = oldest_of(months[0]) if wanted.cost_type == AMORTIZED else months[0]
    split = await split_of(session, months[-1], customers, since=since)
    dimensions = _dimensions(wanted.groupby, split)
    conditions = [_condition(one, split) for one in wanted.filters or ()]
    costs: Costs = defaultdict(lambda: defaultdict(lambda: [ZERO, ZERO]))
    if wanted.cost_type == AMORTIZED:
        for month in months:
            where = [*costing(customers, split, month), *conditions]
            await _add_charged(session, costs, dimensions, [*where, ~is_spread()], span, wanted)
            await _add_spread(
                session, costs, dimensions, [*where, is_spread()], span, month, wanted
            )
    else:
        where = [split.of(customers), BillLine.bill_cycle.in_(months), *conditions]
        await _add_charged(session, costs, dimensions, where, span, wanted)
    keys = sorted(costs)
    page = keys[wanted.offset : wanted.offset + wanted.limit]
    return {
        "currency": await currency_of(session, principal),
        "total_count": len(keys),
        "cost_data": [_shown(wanted.groupby, key, costs[key]) for key in page],
    }


def _span(told: _Time, now: datetime) -> _Span:
    by_month = told.time_measure_id == BY_MONTH
    read: Callable[[str], Any] = parse_cycle if by_month else parse_day
    found = []
    for name in ("begin_time", "end_time"):
        try:
            read(text := getattr(told, name))
            found.append(date.fromisoformat(f"{text}-01" if by_month else text))
        except ValueError:
            raise BadFieldError(f"time_condition.{name}", "malformed") from None
    begin, end = found
    if begin > end:
        raise BadFieldError("time_condition.end_time", "before the begin")
    check_cycle(month_of(begin), now, COSTS_VIEW_MONTHS, "time_condition.begin_time")
    if (end - begin).days > DAYS_MAX:
        raise BadFieldError("time_condition.end_time", "out of range")
    return _Span(begin, first_of_next(end) - timedelta(days=1) if by_month else end, by_month)


def _dimensions(groups: list[_Group], split: Split) -> list[ColumnElement[Any]]:
    if len({(group.type, group.key) for group in groups}) < len(groups):
        raise BadFieldError("groupby.key", "must not repeat")
    return [_dimension(group.type, group.key, "groupby.key", split) for group in groups]


def _dimension(kind: str, key: str, field: str, split: Split) -> ColumnElement[Any]:
    """What a line has there, as a text; nothing is the empty one."""
    if kind == TAG:
        return func.coalesce(BillLine.tags[key].astext, "")
    if kind == COST_UNIT or key in _NOBODYS:
        return cast("", Text)
    if key == _ACCOUNT:
        return split.account()
    if key not in _DIMENSIONS:
        raise UnknownValueError(field)
    return func.coalesce(cast(_DIMENSIONS[key], Text), "")


def _condition(one: _Filter, split: Split) -> ColumnElement[bool]:
    factor = one.filter_factor
    if factor.key == "RESOURCE_TAG":
        pairs = [text.partition("=")[::2] for text in factor.value]
        found: ColumnElement[bool] = or_(
            *(func.coalesce(BillLine.tags[key].astext, "") == value for key, value in pairs)
        )
    else:
        column = _dimension(DIMENSION, factor.key, "filters.filter_factor.key", split)
        found = column.in_(factor.value)
    return found if one.operator == ONLY else ~found


async def _add_charged(
    session: AsyncSession,
    costs: Costs,
    dimensions: list[ColumnElement[Any]],
    conditions: list[ColumnElement[bool]],
    span: _Span,
    wanted: ListCosts,
) -> None:
    """What counts when it was charged."""
    net = BillLine.coupon_amount if wanted.amount_type == NET else 0
    rows = (
        select(
            *(column.label(f"of_{place}") for place, column in enumerate(dimensions)),
            (BillLine.bill_cycle if span.by_month else cast(BillLine.bill_date, Text)).label(
                "told"
            ),
            (BillLine.payment_amount - net).label("amount"),
            BillLine.official_amount.label("official"),
        )
        .where(BillLine.bill_date.between(span.begin, span.end), *conditions)
        .subquery()
    )
    groups = [rows.c[f"of_{place}"] for place in range(len(dimensions))]
    summed = (
        select(*groups, rows.c.told, func.sum(rows.c.amount), func.sum(rows.c.official))
        .group_by(*groups, rows.c.told)
    )  # fmt: skip
    for *key, told, amount, official in await session.execute(summed):
        entry = costs[tuple(key)][told]
        entry[0] += amount
        entry[1] += official


async def _add_spread(
    session: AsyncSession,
    costs: Costs,
    dimensions: list[ColumnElement[Any]],
    conditions: list[ColumnElement[bool]],
    span: _Span,
    month: str,
    wanted: ListCosts,
) -> None:
    """What periods share: the month's part of each line, at once or day by day."""
    found = await session.stream(
        select(
            *BillLine.__table__.c,
            refunded_at().label("ended_at"),
            *(column.label(f"of_{place}") for place, column in enumerate(dimensions)),
        ).where(*conditions)
    )
    async for row in found.mappings():
        period = period_of(row)
        assert period is not None, "chosen as spread"
        key = tuple(row[f"of_{place}"] for place in range(len(dimensions)))
        for day, amount, official in _parts(row, period, month, span, wanted):
            entry = costs[key][span.of(day)]
            entry[0] += amount
            entry[1] += official


def _parts(
    row: Any, period: Period, month: str, span: _Span, wanted: ListCosts
) -> Iterator[tuple[date, Decimal, Decimal]]:
    """Day, amount, list price: of the month as a whole, or of the days asked for."""
    at_list = Period(
        Decimal(row["official_amount"]), period.begins_on, period.last_day, period.ends_on
    )
    less: dict[date, Decimal] = {}
    if wanted.amount_type == NET:
        paid = share_of_month(period, month, means_of(row)).means["amortized_coupon_amount"]
        less[date.fromisoformat(f"{month}-01")] = paid
    if span.by_month:
        first = date.fromisoformat(f"{month}-01")
        official = dict(at_list.months()).get(month, ZERO)
        yield first, dict(period.months()).get(month, ZERO) - less.get(first, ZERO), official
        return
    days = list(days_of_month(period, month))
    coupon = sum(less.values(), ZERO)
    officials = dict(days_of_month(at_list, month))
    for place, (day, amount) in enumerate(days, 1):
        before = cut(coupon * (place - 1) / len(days), 2)
        until = coupon if place == len(days) else cut(coupon * place / len(days), 2)
        if span.begin <= day <= span.end:
            yield day, amount - (until - before), officials.get(day, ZERO)


def _shown(
    groups: list[_Group], key: tuple[str, ...], times: dict[str, list[Decimal]]
) -> dict[str, Any]:
    """As the SDK's CostDataByDimension: amounts are texts."""
    amounts = [sum((entry[place] for entry in times.values()), ZERO) for place in (0, 1)]
    return {
        "dimensions": [
            {"key": group.key, "value": value} for group, value in zip(groups, key, strict=True)
        ],
        "costs": [
            {
                "time_dimension_value": told,
                "time_measure_id": BY_MONTH if len(told) == MONTH_CHARACTERS else BY_DAY,
                "amount": f"{amount:f}",
                "official_amount": f"{official:f}",
            }
            for told, (amount, official) in sorted(times.items())
        ],
        "amount_by_costs": f"{amounts[0]:f}",
        "official_amount_by_costs": f"{amounts[1]:f}",
    }
