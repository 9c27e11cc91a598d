"""What each resource cost a customer (list_customerself_resource_record_details)."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.bills.windows import check_cycle, days_within
from billing.copies import Customer
from billing.lines.account_of import split_of
from billing.records.asked import CUSTOMER_VIEW_MONTHS, EARLIEST_DETAIL, AskedLines
from billing.records.formula import ON_DEMAND
from billing.records.names import Names
from billing.records.statistics import (
    BY_CYCLE,
    BY_DAY,
    BY_LINE,
    chosen,
    fraction,
    sub_fields,
    tag_text,
)
from billing.records.whose import (
    NotOwnMemberError,
    accounts_of,
    currency_of,
    members_of,
    seen_customers,
)
from chassis.errors import BadFieldError
from chassis.identity import Principal
from wire.json import known
from wire.types import BeijingDate, Cycle, WireRequest
from wire.vocabulary import YUAN

DAILY = "DAILY"
NOT_CONCERNED = "--"  # is_spot of what is no instance by use


class ListRecordDetails(WireRequest, operation="list_customerself_resource_record_details"):
    """The body; an empty text is no filter."""

    cycle: Cycle
    cloud_service_type: str | None = None
    resource_type: str | None = None
    region: str | None = None
    res_instance_id: str | None = None
    charge_mode: int | None = None
    bill_type: int | None = None
    enterprise_project_id: str | None = None
    include_zero_record: bool | None = None
    method: str | None = None
    sub_customer_id: str | None = None
    statistic_type: int = BY_CYCLE
    query_type: str | None = None
    bill_cycle_begin: BeijingDate | None = None
    bill_cycle_end: BeijingDate | None = None
    payer_account_id: str | None = None
    limit: int = 10
    offset: int = 0


async def list_record_details(
    session: AsyncSession,
    principal: Principal,
    names: Names,
    wanted: ListRecordDetails,
    now: datetime,
) -> dict[str, Any]:
    """Sums by cycle or day, or the lines themselves.

    Raises:
        BadFieldError, NotOwnMemberError

    """
    if wanted.cycle < EARLIEST_DETAIL:
        raise BadFieldError("cycle", "out of range")
    check_cycle(wanted.cycle, now, CUSTOMER_VIEW_MONTHS, "cycle")
    customers = await seen_customers(session, principal, wanted.method, wanted.sub_customer_id)
    customers, payer_id = await _paid_by(session, principal, wanted.payer_account_id, customers)
    asked = AskedLines(
        customer_ids=customers,
        split=await split_of(session, wanted.cycle, customers),
        cycle=wanted.cycle,
        equal={
            "service_type_code": wanted.cloud_service_type or None,
            "resource_type_code": wanted.resource_type or None,
            "region_code": wanted.region or None,
            "resource_id": wanted.res_instance_id or None,
            "charging_mode": wanted.charge_mode,
            "bill_type": wanted.bill_type,
        },
        project=wanted.enterprise_project_id or None,
        days=_days(wanted),
        without_zero=wanted.include_zero_record is False,
        payer_id=payer_id,
    )
    rows = chosen(asked, wanted.statistic_type)
    if wanted.statistic_type == BY_LINE:
        total = await asked.count(session)
    else:
        counted = select(func.count()).select_from(rows.order_by(None).subquery())
        total = await session.scalar(counted) or 0
    page = rows.limit(wanted.limit).offset(wanted.offset)
    found = (await session.execute(page)).mappings().all() if total else []
    accounts = await accounts_of(session, {row["customer_id"] for row in found})
    return {
        "total_count": total,
        "currency": await currency_of(session, principal),
        "monthly_records": [_record(names, row, wanted.statistic_type, accounts) for row in found],
    }


def _days(wanted: ListRecordDetails) -> Any:
    """DAILY needs both days, and statistics by day or line; otherwise days mean nothing."""
    if (wanted.query_type or None) != DAILY:
        return None
    if wanted.statistic_type == BY_CYCLE:
        raise BadFieldError("query_type", "no such value")
    for name in ("bill_cycle_begin", "bill_cycle_end"):
        if getattr(wanted, name) is None:
            raise BadFieldError(name, "missing")
    both = ("bill_cycle_begin", "bill_cycle_end")
    return days_within(wanted.cycle, wanted.bill_cycle_begin, wanted.bill_cycle_end, both)


async def _paid_by(
    session: AsyncSession, principal: Principal, payer_id: str | None, customers: list[str]
) -> tuple[list[str], str | None]:
    """Whose lines, and paid by whom (the SDK's text of payer_account_id).

    A master names itself for its own and its custody members', or an independent member for that
    one's. A member names itself or its master; anybody else only itself.
    """
    if payer_id is None:
        return customers, None
    if payer_id == principal.id:
        return customers, payer_id
    if payer_id in customers and payer_id in await members_of(session, principal.id):
        return [payer_id], payer_id
    customer = await session.get(Customer, principal.id)
    if customer is None or customer.enterprise_master_id != payer_id:
        raise NotOwnMemberError
    return customers, payer_id


def _record(
    names: Names, row: Any, statistic_type: int, accounts: dict[str, str]
) -> dict[str, Any]:
    """As the SDK's MonthlyBillRes."""
    by_line = statistic_type == BY_LINE
    service, resource = row["service_type_code"], row["resource_type_code"]
    payer_id = None if row["payer_id"] == row["partner_id"] else row["payer_id"]
    is_use = by_line and row["usage_record_id"] is not None
    return known(
        {
            "cycle": row["bill_cycle"],
            "bill_date": row["bill_date"] if statistic_type == BY_DAY else None,
            "bill_type": row["bill_type"],
            "customer_id": row["customer_id"],
            "region": row["region_code"],
            "region_name": names.region(row["region_code"]),
            "cloud_service_type": service,
            "resource_Type_code": resource,
            "cloud_service_type_name": names.service(service, row["service_type_name"]),
            "resource_type_name": names.resource(resource, row["resource_type_name"]),
            "res_instance_id": row["resource_id"],
            "resource_name": row["resource_name"],
            "resource_tag": tag_text(row["tags"]),
            "sku_code": row["resource_spec_code"],
            "enterprise_project_id": row["enterprise_project_id"],
            "enterprise_project_name": row["enterprise_project_name"],
            "charge_mode": row["charging_mode"],
            "consume_amount": row["payment_amount"],
            "cash_amount": row["cash_amount"],
            "credit_amount": row["credit_amount"],
            "coupon_amount": row["coupon_amount"],
            "flexipurchase_coupon_amount": row["flexipurchase_coupon_amount"],
            "stored_card_amount": row["stored_value_card_amount"],
            "bonus_amount": row["bonus_amount"],
            "debt_amount": row["debt_amount"],
            "adjustment_amount": row["writeoff_amount"],
            "official_amount": row["official_amount"],
            "discount_amount": row["official_discount_amount"],
            "measure_id": YUAN,
            "period_type": row["period_type"],
            "root_resource_id": row["root_resource_id"],
            "parent_resource_id": row["parent_resource_id"],
            "trade_id": row["trade_id"],
            "id": row["line_id"] if by_line else None,
            "product_spec_desc": names.product(row["product_id"], row["resource_spec_code"]),
            **sub_fields(row),
            "pre_order_id": row["pre_order_id"],
            "az_code_infos": [{"az_code": row["az_code"]}] if row["az_code"] else None,
            "payer_account_id": payer_id or row["customer_id"],
            "effective_time": row["used_from"] if is_use else None,
            "expire_time": row["consume_time"] if is_use else None,
            "consume_time": row["consume_time"] if by_line else None,
            "extend_params": _relations(row),
            "account_name": accounts.get(row["customer_id"]),
            "period_num": fraction(row["period_num"]),
            "is_spot": _spot(row) if by_line else None,
            "promotion_type": row["promotion_type"] if by_line else None,
            "payment_type": row["payment_type"] if by_line else None,
        }
    )


def _spot(row: Any) -> str:
    if row["charging_mode"] != ON_DEMAND:
        return NOT_CONCERNED
    return "Y" if row["is_spot"] else "N"


def _relations(row: Any) -> dict[str, Any] | None:
    """The resource's parent and root, where there are."""
    related = [
        {"relative_resource_id": row[column], "relative_type": kind}
        for column, kind in (("parent_resource_id", "PARENT"), ("root_resource_id", "ROOT"))
        if row[column]
    ]
    if not related or row["resource_id"] is None:
        return None
    return {"self_resource_id": row["resource_id"], "relation_infos": related}
