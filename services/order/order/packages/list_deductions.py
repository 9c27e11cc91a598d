"""What was taken from packages: list_free_resources_usage_records."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import BadFieldError
from chassis.identity import Principal
from order.orders.find_order import visible
from order.packages.models import PackageDeduction
from wire.times import BEIJING
from wire.types import BeijingDate, WireQuery

WINDOW_DAYS_MAX = 90  # docs/domain/bills.md B.8


class ListDeductions(WireQuery, operation="list_free_resources_usage_records"):
    """The query; the days are Beijing's, both included."""

    free_resource_id: str | None = None
    product_id: str | None = None
    resource_type_code: str | None = None
    deduct_time_begin: BeijingDate
    deduct_time_end: BeijingDate
    limit: int = 10
    offset: int = 0


@dataclass(frozen=True, slots=True)
class DeductionPage:
    """Rows of a page and how many match in all."""

    total_count: int
    deductions: list[Row[Any]]


async def list_deductions(
    session: AsyncSession, principal: Principal, query: ListDeductions
) -> DeductionPage:
    """The page asked for, the newest first.

    Raises:
        BadFieldError: the days are the wrong way round, or more than 90 apart.

    """
    begin, end = query.deduct_time_begin, query.deduct_time_end
    if end < begin or end - begin > timedelta(days=WINDOW_DAYS_MAX):
        raise BadFieldError("deduct_time_end", f"0 to {WINDOW_DAYS_MAX} days after the begin")
    table = PackageDeduction
    conditions = [
        visible(principal, table, None),
        table.deducted_at >= _midnight(begin),
        table.deducted_at < _midnight(end) + timedelta(days=1),
    ]
    if query.free_resource_id is not None:
        conditions.append(table.item_id == query.free_resource_id)
    if query.product_id is not None:
        conditions.append(table.product_id == query.product_id)
    if query.resource_type_code is not None:
        wanted = query.resource_type_code.lower()
        conditions.append(func.lower(table.resource_type_code) == wanted)
    total = await session.scalar(select(func.count()).select_from(table).where(*conditions))
    page = (
        select(*table.__table__.c)
        .where(*conditions)
        .order_by(table.deducted_at.desc(), table.deduction_id.desc())
        .limit(query.limit)
        .offset(query.offset)
    )
    return DeductionPage(total or 0, list(await session.execute(page)) if total else [])


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=BEIJING)
