"""The flow of a customer's bill, charge by charge (list_customer_bills_fee_records)."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.bills.windows import check_cycle, days_within
from billing.lines.account_of import split_of
from billing.lines.models import BillLine
from billing.records.asked import CUSTOMER_VIEW_MONTHS, AskedLines
from billing.records.names import Names
from billing.records.whose import accounts_of, currency_of, seen_customers
from chassis.identity import Principal
from wire.json import known
from wire.types import BeijingDate, Cycle, WireQuery

PAID, UNSETTLED, NOT_BILLED = 1, 2, 3  # status

_NAMES = {"id": "line_id", "consume_amount": "payment_amount"}
_FIELDS = (
    "bill_cycle", "service_type_code", "resource_type_code", "service_type_name",
    "resource_type_name", "region_code", "enterprise_project_id", "enterprise_project_name",
    "charging_mode", "consume_time", "trade_time", "provider_type", "trade_id", "id", "bill_type",
    "official_amount", "official_discount_amount", "erase_amount", "consume_amount", "cash_amount",
    "credit_amount", "coupon_amount", "flexipurchase_coupon_amount", "stored_value_card_amount",
    "bonus_amount", "debt_amount", "writeoff_amount",
)  # fmt: skip
_COLUMNS = [getattr(BillLine, _NAMES.get(name, name)).label(name) for name in _FIELDS]


class ListFeeRecords(WireQuery, operation="list_customer_bills_fee_records"):
    """The query."""

    bill_cycle: Cycle
    provider_type: int | None = None
    service_type_code: str | None = None
    resource_type_code: str | None = None
    region_code: str | None = None
    charging_mode: int | None = None
    bill_type: int | None = None
    trade_id: str | None = None
    enterprise_project_id: str | None = None
    include_zero_record: bool | None = None
    status: int | None = None
    method: str | None = None
    sub_customer_id: str | None = None
    bill_date_begin: BeijingDate | None = None
    bill_date_end: BeijingDate | None = None
    limit: int = 10
    offset: int = 0


async def list_fee_records(
    session: AsyncSession, principal: Principal, names: Names, query: ListFeeRecords, now: datetime
) -> dict[str, Any]:
    """A page of lines, by customer and trade time.

    A line is charged when it is written, so none has status 3: charged at the month's end, and not
    yet.

    Raises:
        BadFieldError, NotOwnMemberError

    """
    check_cycle(query.bill_cycle, now, CUSTOMER_VIEW_MONTHS)
    customers = await seen_customers(session, principal, query.method, query.sub_customer_id)
    asked = AskedLines(
        customer_ids=customers,
        split=await split_of(session, query.bill_cycle, customers),
        cycle=query.bill_cycle,
        equal={
            name: getattr(query, name)
            for name in ("provider_type", "service_type_code", "resource_type_code", "region_code",
                         "charging_mode", "bill_type", "trade_id")
        },
        project=query.enterprise_project_id,
        days=days_within(query.bill_cycle, query.bill_date_begin, query.bill_date_end),
        without_zero=query.include_zero_record is False,
        owed=None if query.status is None else query.status == UNSETTLED,
    )  # fmt: skip
    total = 0 if query.status == NOT_BILLED else await asked.count(session)
    page = (
        select(*_COLUMNS, asked.split.account().label("customer_id"))
        .where(*asked.of_lines())
        .order_by(BillLine.customer_id, BillLine.trade_time, BillLine.line_id)
        .limit(query.limit)
        .offset(query.offset)
    )
    rows = [dict(row) for row in (await session.execute(page)).mappings()] if total else []
    accounts = await accounts_of(session, {row["customer_id"] for row in rows})
    return {
        "total_count": total,
        "currency": await currency_of(session, principal),
        "records": [_record(names, row, accounts) for row in rows],
    }


def _record(names: Names, row: dict[str, Any], accounts: dict[str, str]) -> dict[str, Any]:
    row["status"] = UNSETTLED if row["debt_amount"] else PAID
    row["region_name"] = names.region(row["region_code"])
    row["service_type_name"] = names.service(row["service_type_code"], row["service_type_name"])
    row["resource_type_name"] = names.resource(row["resource_type_code"], row["resource_type_name"])
    row["account_name"] = accounts.get(row["customer_id"])
    return known(row)
