"""A customer's bill lines, as its partner sees them (list_sub_customer_bill_detail)."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.find_parties import NotOwnCustomerError
from billing.bills.windows import check_cycle, days_within
from billing.copies import Customer, Partner
from billing.lines.account_of import split_of
from billing.lines.models import BillLine
from billing.prices.catalogue import Catalogue
from chassis.identity import Principal
from chassis.tenancy import acted_for
from wire.json import known
from wire.types import BeijingDate, Cycle, WireQuery

# Wire names that differ from the column's.
_NAMES = {"id": "line_id", "bill_detail_type": "bill_type"}
_FIELDS = (
    "bill_cycle", "association_type", "service_type_code", "resource_type_code",
    "service_type_name", "resource_type_name", "charging_mode", "trade_time", "trade_id", "id",
    "bill_detail_type", "resource_id", "resource_name", "region_code", "product_id",
    "consume_time", "usage_type", "usage_amount", "usage_measure_id", "official_amount",
    "official_discount_amount", "payment_amount", "cash_amount", "credit_amount",
    "coupon_amount", "flexipurchase_coupon_amount", "stored_value_card_amount", "debt_amount",
    "writeoff_amount", "period_type", "account_manager_id", "partner_id", "period_num",
    "order_type", "sub_service_type_code", "sub_service_type_name", "sub_resource_type_code",
    "sub_resource_type_name", "sub_resource_id", "sub_resource_name",
)  # fmt: skip
# Of which the text `null` asks for lines without one (docs/domain/bills.md I.1).
_MAY_BE_NONE = {
    BillLine.resource_id, BillLine.resource_name, BillLine.trade_id, BillLine.account_manager_id,
}  # fmt: skip
_COLUMNS = [getattr(BillLine, _NAMES.get(name, name)).label(name) for name in _FIELDS]


class ListBillDetail(WireQuery, operation="list_sub_customer_bill_detail"):
    """The query; an empty service_type_code or region_code is a filter of its own."""

    bill_cycle: Cycle
    customer_id: str
    service_type_code: str | None = None
    region_code: str | None = None
    charging_mode: int | None = None
    bill_detail_type: int | None = None
    resource_id: str | None = None
    resource_name: str | None = None
    trade_id: str | None = None
    account_manager_id: str | None = None
    association_type: str | None = None
    bill_date_begin: BeijingDate | None = None
    bill_date_end: BeijingDate | None = None
    indirect_partner_id: str | None = None
    limit: int = 10
    offset: int = 0


async def list_bill_detail(
    session: AsyncSession,
    principal: Principal,
    catalogue: Catalogue,
    query: ListBillDetail,
    now: datetime,
) -> dict[str, Any]:
    """Lines of the time the customer was with the acting partner, by trade time.

    Raises:
        BadFieldError: a cycle before the last 18, or days outside the cycle.
        NotOwnResellerError, NotOwnCustomerError

    """
    check_cycle(query.bill_cycle, now)
    partner_id = await acted_for(session, principal, query.indirect_partner_id, Partner)
    customer = await session.get(Customer, query.customer_id)
    split = await split_of(session, query.bill_cycle, [query.customer_id])
    mine = [
        BillLine.partner_id == partner_id,
        split.of([query.customer_id]),
        BillLine.bill_cycle == query.bill_cycle,
        *_days(query),
        *_filters(query),
    ]
    total = await session.scalar(select(func.count()).select_from(BillLine).where(*mine)) or 0
    if total == 0:
        await _check_own(session, customer, partner_id, principal, query.customer_id)
    page = (
        select(
            *_COLUMNS,
            split.account().label("customer_id"),
            BillLine.resource_spec_code,
            BillLine.currency,
        )
        .where(*mine)
        .order_by(BillLine.trade_time, BillLine.line_id)
        .limit(query.limit)
        .offset(query.offset)
    )
    rows = (await session.execute(page)).mappings().all() if query.limit else []
    currency = rows[0]["currency"] if rows else customer.currency if customer else None
    records = [_record(catalogue, dict(row)) for row in rows]
    return {"total_count": total, "currency": currency, "fee_records": records}


def _days(query: ListBillDetail) -> list[ColumnElement[bool]]:
    days = days_within(query.bill_cycle, query.bill_date_begin, query.bill_date_end)
    return [BillLine.bill_date.between(*days)] if days else []


def _filters(query: ListBillDetail) -> list[ColumnElement[bool]]:
    wanted = {
        BillLine.service_type_code: query.service_type_code,
        BillLine.region_code: query.region_code,
        BillLine.charging_mode: query.charging_mode,
        BillLine.bill_type: query.bill_detail_type,
        BillLine.resource_id: query.resource_id,
        BillLine.resource_name: query.resource_name,
        BillLine.trade_id: query.trade_id,
        BillLine.account_manager_id: query.account_manager_id,
        BillLine.association_type: query.association_type,
    }
    return [
        column.is_(None) if value == "null" and column in _MAY_BE_NONE else column == value
        for column, value in wanted.items()
        if value is not None
    ]


async def _check_own(
    session: AsyncSession,
    customer: Customer | None,
    partner_id: str,
    principal: Principal,
    customer_id: str,
) -> None:
    """Nothing found: is the customer the caller's, now or by an older line?"""
    owners = (customer.partner_id, customer.distributor_id) if customer else ()
    if partner_id in owners or principal.partner_id in owners:
        return
    earlier = select(BillLine.line_id).where(
        BillLine.customer_id == customer_id, BillLine.partner_id == partner_id
    )
    if (await session.execute(earlier.limit(1))).first() is None:
        raise NotOwnCustomerError(customer_id)


def _record(catalogue: Catalogue, row: dict[str, Any]) -> dict[str, Any]:
    """A line as the SDK's SubCustomerMonthlyBillDetail; what is not there is left out."""
    row.pop("currency")
    spec = row.pop("resource_spec_code")
    product = catalogue.by_id.get(row["product_id"])
    row["product_spec_desc"] = product.description if product else spec
    row["product_name"] = product.description if product else None
    row["region_name"] = catalogue.region_names.get(row["region_code"])
    if row["period_num"] is not None:
        row["period_num"] = Decimal(row["period_num"])  # a fraction in the SDK's model
    return known(row)
