"""What resources cost a customer, with the formula (list_customerself_resource_records)."""

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.bills.windows import check_cycle, days_within
from billing.lines.account_of import split_of
from billing.prices.catalogue import UnitNotConvertibleError, UnitNotFoundError
from billing.records.asked import CUSTOMER_VIEW_MONTHS, AskedLines
from billing.records.formula import PERIOD, formula_of
from billing.records.names import Names
from billing.records.statistics import (
    BY_CYCLE,
    BY_LINE,
    chosen,
    fraction,
    sub_fields,
    tag_text,
)
from billing.records.whose import accounts_of, currency_of, seen_customers
from chassis.identity import Principal
from wire.json import known
from wire.times import BEIJING, cycle_bounds
from wire.types import BeijingDate, Cycle, WireQuery
from wire.vocabulary import YUAN


class ListResourceRecords(WireQuery, operation="list_customerself_resource_records"):
    """The query; an empty service, region, resource, project or trade id is a filter of its own."""

    cycle: Cycle
    cloud_service_type: str | None = None
    region: str | None = None
    charge_mode: str | None = None
    bill_type: int | None = None
    resource_id: str | None = None
    enterprise_project_id: str | None = None
    include_zero_record: bool | None = None
    method: str | None = None
    sub_customer_id: str | None = None
    trade_id: str | None = None
    bill_date_begin: BeijingDate | None = None
    bill_date_end: BeijingDate | None = None
    statistic_type: int = BY_LINE
    limit: int = 10
    offset: int = 0


async def list_resource_records(
    session: AsyncSession,
    principal: Principal,
    names: Names,
    query: ListResourceRecords,
    now: datetime,
) -> dict[str, Any]:
    """Lines, or their sums by day or cycle; by cycle the days asked for mean nothing.

    Raises:
        BadFieldError, NotOwnMemberError

    """
    check_cycle(query.cycle, now, CUSTOMER_VIEW_MONTHS, "cycle")
    days = None
    if query.statistic_type != BY_CYCLE:
        days = _days(query)
    customers = await seen_customers(session, principal, query.method, query.sub_customer_id)
    asked = AskedLines(
        customer_ids=customers,
        split=await split_of(session, query.cycle, customers),
        cycle=query.cycle,
        equal={
            "service_type_code": query.cloud_service_type,
            "region_code": query.region,
            "charging_mode": int(query.charge_mode) if query.charge_mode else None,
            "bill_type": query.bill_type,
            "resource_id": query.resource_id,
            "trade_id": query.trade_id,
        },
        project=query.enterprise_project_id,
        days=days,
        without_zero=query.include_zero_record is False,
    )
    rows = chosen(asked, query.statistic_type)
    if query.statistic_type == BY_LINE:
        total = await asked.count(session)
    else:
        counted = select(func.count()).select_from(rows.order_by(None).subquery())
        total = await session.scalar(counted) or 0
    page = rows.limit(query.limit).offset(query.offset)
    found = (await session.execute(page)).mappings().all() if total else []
    accounts = await accounts_of(session, {row["customer_id"] for row in found})
    return {
        "total_count": total,
        "currency": await currency_of(session, principal),
        "fee_records": [_record(names, row, query.statistic_type, accounts) for row in found],
    }


def _days(query: ListResourceRecords) -> tuple[date, date] | None:
    """An absent one of the two is the month's first or last day (docs/domain/bills.md I.6)."""
    begin, end = query.bill_date_begin, query.bill_date_end
    if begin is None and end is None:
        return None
    first, after = (instant.astimezone(BEIJING).date() for instant in cycle_bounds(query.cycle))
    return days_within(query.cycle, begin or first, end or after - timedelta(days=1))


def _record(
    names: Names, row: Any, statistic_type: int, accounts: dict[str, str]
) -> dict[str, Any]:
    """As the SDK's ResFeeRecordV2."""
    by_line, by_cycle = statistic_type == BY_LINE, statistic_type == BY_CYCLE
    is_period = row["charging_mode"] == PERIOD
    has_price = row["unit_price"] is not None and not (by_cycle and is_period)
    is_use = by_line and row["usage_record_id"] is not None
    service, resource = row["service_type_code"], row["resource_type_code"]
    return known(
        {
            "bill_date": None if by_cycle else row["bill_date"],
            "bill_type": row["bill_type"],
            "customer_id": row["customer_id"],
            "region": row["region_code"],
            "region_name": names.region(row["region_code"]),
            "cloud_service_type": service,
            "resource_type": resource,
            "cloud_service_type_name": names.service(service, row["service_type_name"]),
            "resource_type_name": names.resource(resource, row["resource_type_name"]),
            "effective_time": row["used_from"] if is_use else None,
            "expire_time": row["consume_time"] if is_use else None,
            "resource_id": row["resource_id"],
            "resource_name": row["resource_name"],
            "resource_tag": tag_text(row["tags"]),
            "product_id": row["product_id"],
            "product_name": names.product(row["product_id"], row["product_name"]),
            "product_spec_desc": names.product(row["product_id"], row["resource_spec_code"]),
            "sku_code": row["resource_spec_code"],
            "spec_size": row["spec_size"],
            "spec_size_measure_id": row["spec_size_measure_id"],
            "trade_id": row["trade_id"],
            "id": None if by_cycle else row["line_id"],
            "trade_time": row["trade_time"],
            "enterprise_project_id": row["enterprise_project_id"],
            "enterprise_project_name": row["enterprise_project_name"],
            "charge_mode": str(row["charging_mode"]),
            "order_id": row["order_id"] if is_period else None,
            "period_type": _text(row["period_type"]),
            "usage_type": row["usage_type"],
            "usage": None if is_period else row["usage_amount"],
            "usage_measure_id": None if is_period else row["usage_measure_id"],
            "free_resource_usage": row["free_resource_usage"],
            "free_resource_measure_id": row["free_resource_measure_id"],
            "ri_usage": row["ri_usage"],
            "ri_usage_measure_id": row["ri_usage_measure_id"],
            "unit_price": row["unit_price"] if has_price else None,
            "unit": names.unit(row["currency"], row["period_type"], row["spec_size_measure_id"])
            if has_price
            else None,
            "official_amount": row["official_amount"],
            "discount_amount": row["official_discount_amount"],
            "amount": row["payment_amount"],
            "cash_amount": row["cash_amount"],
            "credit_amount": row["credit_amount"],
            "coupon_amount": row["coupon_amount"],
            "flexipurchase_coupon_amount": row["flexipurchase_coupon_amount"],
            "stored_card_amount": row["stored_value_card_amount"],
            "bonus_amount": row["bonus_amount"],
            "debt_amount": row["debt_amount"],
            "adjustment_amount": row["writeoff_amount"],
            "measure_id": YUAN,
            "formula": line_formula(names, row) if by_line else None,
            **sub_fields(row),
            "consume_time": row["consume_time"] if by_line else None,
            "relative_order_id": row["relative_order_id"] if is_period else None,
            "account_name": accounts.get(row["customer_id"]),
            "period_num": fraction(row["period_num"]),
        }
    )


def line_formula(names: Names, row: Any) -> str | None:
    """The line's own, else the one that its figures make.

    None of a month's peak by its metered days: the vendor names no such scene.
    """
    own: str | None = row["formula"]
    product = names.catalogue.by_id.get(row["product_id"])
    if own or (product and product.is_by_percentile and row["usage_record_id"] is not None):
        return own
    return formula_of(row, _ratio(names, row))


def _ratio(names: Names, row: Any) -> tuple[int, int] | None:
    product = names.catalogue.by_id.get(row["product_id"])
    if product is None or row["usage_measure_id"] is None:
        return None
    try:
        return names.catalogue.ratio(row["usage_measure_id"], product.usage_measure_id)
    except (UnitNotFoundError, UnitNotConvertibleError):
        return None


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)
