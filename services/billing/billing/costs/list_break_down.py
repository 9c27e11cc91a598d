"""What each charge costs in a month (list_customer_bills_monthly_break_down)."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.bills.windows import PARTNER_VIEW_MONTHS, check_cycle
from billing.costs.amortise import MonthlyShare, means_of, share_of_month
from billing.costs.spread_lines import costing, oldest_of, period_of, refunded_at
from billing.lines.account_of import split_of
from billing.lines.models import BillLine
from billing.records.asked import project_is
from billing.records.names import Names
from billing.records.statistics import sub_fields, tag_text
from billing.records.whose import currency_of, seen_customers
from chassis.identity import Principal
from wire.json import known
from wire.types import Cycle, WireQuery

COSTS_VIEW_MONTHS = PARTNER_VIEW_MONTHS  # docs/domain/bills.md B.8


class ListBreakDown(WireQuery, operation="list_customer_bills_monthly_break_down"):
    """The query; an empty service or resource type is a filter of its own."""

    shared_month: Cycle
    service_type_code: str | None = None
    resource_type_code: str | None = None
    region_code: str | None = None
    charging_mode: int | None = None
    bill_type: int | None = None
    resource_id: str | None = None
    resource_name: str | None = None
    enterprise_project_id: str | None = None
    method: str | None = None
    sub_customer_id: str | None = None
    limit: int = 10
    offset: int = 0


async def list_break_down(
    session: AsyncSession, principal: Principal, names: Names, query: ListBreakDown, now: datetime
) -> dict[str, Any]:
    """Lines of the month, and what of earlier lines' periods lies in it.

    Raises:
        BadFieldError, NotOwnMemberError

    """
    month = query.shared_month
    check_cycle(month, now, COSTS_VIEW_MONTHS, "shared_month")
    customers = await seen_customers(session, principal, query.method, query.sub_customer_id)
    split = await split_of(session, month, customers, since=oldest_of(month))
    conditions = [*costing(customers, split, month), *_filters(query)]
    total = await session.scalar(select(func.count()).select_from(BillLine).where(*conditions)) or 0
    page = (
        select(
            *BillLine.__table__.c,
            split.account().label("account_id"),
            refunded_at().label("ended_at"),
        )
        .where(*conditions)
        .order_by(BillLine.customer_id, BillLine.trade_time, BillLine.line_id)
        .limit(query.limit)
        .offset(query.offset)
    )
    rows = (await session.execute(page)).mappings().all() if total else []
    return {
        "total_count": total,
        "currency": await currency_of(session, principal),
        "details": [_detail(names, row, month) for row in rows],
    }


def cost_in(row: Any, month: str) -> MonthlyShare:
    """What of a line lies before the month, in it and behind it."""
    period = period_of(row)
    if period is None:
        zero = row["payment_amount"] * 0
        return MonthlyShare(zero, row["payment_amount"], zero, means_of(row))
    return share_of_month(period, month, means_of(row))


def _filters(query: ListBreakDown) -> list[Any]:
    wanted = {
        BillLine.service_type_code: query.service_type_code,
        BillLine.resource_type_code: query.resource_type_code,
        BillLine.region_code: query.region_code,
        BillLine.charging_mode: query.charging_mode,
        BillLine.bill_type: query.bill_type,
        BillLine.resource_id: query.resource_id,
        BillLine.resource_name: query.resource_name,
    }
    chosen = [column == value for column, value in wanted.items() if value is not None]
    if query.enterprise_project_id is not None:
        chosen.append(project_is(BillLine, query.enterprise_project_id))
    return chosen


def _detail(names: Names, row: Any, month: str) -> dict[str, Any]:
    """As the SDK's NvlCostAnalysedBillDetail."""
    cost = cost_in(row, month)
    is_period = row["order_id"] is not None
    service, resource = row["service_type_code"], row["resource_type_code"]
    own = ("bill_cycle", "bill_type", "region_code", "resource_id", "resource_name",
           "enterprise_project_id", "enterprise_project_name", "charging_mode", "period_type",
           "usage_type", "usage_measure_id", "free_resource_usage", "free_resource_measure_id",
           "ri_usage", "ri_usage_measure_id")  # fmt: skip
    return known(
        {
            "shared_month": month,
            **{name: row[name] for name in own},
            "customer_id": row["account_id"],
            "region_name": names.region(row["region_code"]),
            "service_type_code": service,
            "resource_type_code": resource,
            "service_type_name": names.service(service, row["service_type_name"]),
            "resource_type_name": names.resource(resource, row["resource_type_name"]),
            "effective_time": None if is_period else row["used_from"],
            "expire_time": None if is_period else row["consume_time"],
            "resource_tag": tag_text(row["tags"]),
            "product_spec_desc": names.product(row["product_id"], row["resource_spec_code"]),
            "order_id": row["order_id"],
            "usage": row["usage_amount"],
            "consume_amount": row["payment_amount"],
            "past_months_amortized_amount": cost.past,
            "current_month_amortized_amount": cost.current,
            "future_months_amortized_amount": cost.future,
            **cost.means,
            **sub_fields(row),
            "effective_tag_pairs": [
                {"tag_key": key, "tag_value": str(value)}
                for key, value in sorted(row["tags"].items())
            ],
            "cost_unit_pairs": [],
        }
    )
