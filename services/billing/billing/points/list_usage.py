"""A month's bandwidth by the 95th percentile, and the points that it is made of.

See docs/domain/bills.md B.8, I.6: list_resource_usage_summary, list_resource_usage.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any, get_args

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.bills.windows import check_cycle
from billing.points.models import UsagePoint
from billing.points.record_points import Resources, Services, UsageTypes
from billing.prices.rate import EXACT
from billing.records.asked import CUSTOMER_VIEW_MONTHS
from chassis.errors import UnknownValueError
from chassis.identity import Principal
from wire.json import known
from wire.money import cut
from wire.times import cycle_bounds, format_instant
from wire.types import Cycle, WireQuery

POINTS_OF_A_DAY = 288
TAKEN_PER_CENT = 5
DAYS_PLACES = 20
PLUS = "95peak_plus"  # the one usage type that has a guaranteed bandwidth
TOLD_AFTER = timedelta(days=1, hours=20)  # the 2nd at 20:00 Beijing, from the month's end on


class ListUsageSummary(WireQuery, operation="list_resource_usage_summary"):
    """The query of list_resource_usage_summary."""

    bill_cycle: Cycle
    service_type_code: str
    resource_type_code: str
    usage_type: str
    limit: int = 10
    offset: int = 0


class ListUsage(WireQuery, operation="list_resource_usage"):
    """The query of list_resource_usage."""

    bill_cycle: Cycle
    service_type_code: str
    resource_type_code: str
    usage_type: str
    resource_id: str
    limit: int = 10
    offset: int = 0


@dataclass(frozen=True, slots=True)
class _Month:
    """What a resource's points of a month come to."""

    points: int
    peak: Decimal  # the 95th percentile
    guaranteed: Decimal | None
    highest: Decimal
    measure_id: int


async def list_usage_summary(
    session: AsyncSession, principal: Principal, query: ListUsageSummary, now: datetime
) -> dict[str, Any]:
    """By resource; of the present month, and of the last before its 2nd at 20:00, the ids alone.

    Raises:
        BadFieldError, UnknownValueError

    """
    _check(query, now)
    where = _where(principal, query)
    ids = select(UsagePoint.resource_id).where(*where).distinct()
    total = await session.scalar(select(func.count()).select_from(ids.subquery())) or 0
    page = ids.order_by(UsagePoint.resource_id).limit(query.limit).offset(query.offset)
    rows = []
    for resource_id in (await session.scalars(page)).all():
        month = await _month(session, [*where, UsagePoint.resource_id == resource_id])
        told = _figures(query, month) if is_told(query.bill_cycle, now) else {}
        rows.append({"resource_id": resource_id, **told})
    return {"total_count": total, "summary_usage_info_list": rows}


async def list_usage(
    session: AsyncSession, principal: Principal, query: ListUsage, now: datetime
) -> dict[str, Any]:
    """The points of one resource, and what the month comes to.

    Raises:
        BadFieldError, UnknownValueError

    """
    _check(query, now)
    where = [*_where(principal, query), UsagePoint.resource_id == query.resource_id]
    month = await _month(session, where)
    found = await session.scalars(
        select(UsagePoint)
        .where(*where)
        .order_by(UsagePoint.stat_time)
        .limit(query.limit)
        .offset(query.offset)
    )
    told = _figures(query, month) if is_told(query.bill_cycle, now) else {}
    return {
        **told,
        "total_count": month.points if month else 0,
        "usage_info_list": [
            known(
                {
                    "stat_time": format_instant(point.stat_time),
                    "guaranteed_band_width": _text(point.guaranteed_value)
                    if query.usage_type == PLUS
                    else None,
                    "usage": _text(point.usage_value),
                    "measure_id": point.measure_id,
                }
            )
            for point in found
        ],
    }


def is_told(cycle: str, now: datetime) -> bool:
    """Whether the month's figures are out."""
    _, end = cycle_bounds(cycle)
    return now >= end + TOLD_AFTER


def _check(query: ListUsageSummary | ListUsage, now: datetime) -> None:
    check_cycle(query.bill_cycle, now, CUSTOMER_VIEW_MONTHS)
    for name, choices in (
        ("service_type_code", Services),
        ("resource_type_code", Resources),
        ("usage_type", UsageTypes),
    ):
        if getattr(query, name) not in get_args(choices):
            raise UnknownValueError(name)


def _where(principal: Principal, query: ListUsageSummary | ListUsage) -> list[Any]:
    begin, end = cycle_bounds(query.bill_cycle)
    return [
        UsagePoint.customer_id == principal.id,
        UsagePoint.usage_type == query.usage_type,
        UsagePoint.service_type_code == query.service_type_code,
        UsagePoint.resource_type_code == query.resource_type_code,
        UsagePoint.stat_time >= begin,
        UsagePoint.stat_time < end,
    ]


async def _month(session: AsyncSession, where: list[Any]) -> _Month | None:
    """The highest point that is left when the highest five per cent are taken away, counted whole.

    Of twenty points one is taken away, of nineteen none.
    """
    counted = await session.execute(
        select(
            func.count(),
            func.max(UsagePoint.guaranteed_value),
            func.max(UsagePoint.usage_value),
            func.max(UsagePoint.measure_id),
        ).where(*where)
    )
    points, guaranteed, highest, measure_id = counted.one()
    if not points:
        return None
    peak = await session.scalar(
        select(UsagePoint.usage_value)
        .where(*where)
        .order_by(UsagePoint.usage_value.desc())
        .limit(1)
        .offset(points * TAKEN_PER_CENT // 100)
    )
    return _Month(points, peak or highest, guaranteed, highest, measure_id)


def _figures(query: ListUsageSummary | ListUsage, month: _Month | None) -> dict[str, Any]:
    """As the SDK's texts; guaranteed and peak bandwidth are those of one usage type."""
    if month is None:
        return {}
    with localcontext(EXACT):
        days = cut(Decimal(month.points) / POINTS_OF_A_DAY, DAYS_PLACES)
    is_plus = query.usage_type == PLUS
    return known(
        {
            "actual_days": _text(days),
            "band_width": _text(month.peak),
            "monthly_guaranteed_band_width": _text(month.guaranteed) if is_plus else None,
            "monthly_peak_band_width": _text(month.highest) if is_plus else None,
            "band_width_measure_id": month.measure_id,
        }
    )


def _text(value: Decimal | None) -> str | None:
    """Without an exponent, and without the noughts that a column adds."""
    if value is None:
        return None
    digits = f"{value:f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits
