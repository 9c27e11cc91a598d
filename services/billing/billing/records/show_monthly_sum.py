"""What a customer consumed in a month, summed up (show_customer_monthly_sum)."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.bills.bill_types import CUSTOMERS_CLASS
from billing.bills.windows import check_cycle
from billing.lines.models import BillSum
from billing.records.asked import CUSTOMER_VIEW_MONTHS, NOT_ASSIGNED, AskedLines
from billing.records.whose import accounts_of, currency_of, seen_customers
from chassis.identity import Principal
from wire.types import Cycle, WireQuery
from wire.vocabulary import YUAN

NO_PROJECT = "-1"  # in this list alone, where the others say `null` (docs/domain/bills.md I.1)
ZERO = Decimal("0.00")

_TOTALS = (
    "debt_amount", "coupon_amount", "flexipurchase_coupon_amount", "stored_value_card_amount",
    "cash_amount", "credit_amount", "writeoff_amount",
)  # fmt: skip
_KINDS = (
    "customer_id", "service_type_code", "service_type_name", "resource_type_code",
    "resource_type_name", "charging_mode",
)  # fmt: skip
# Names on the wire that differ from the column's.
_AMOUNTS = {
    "official_amount": "official_amount",
    "official_discount_amount": "official_discount_amount",
    "truncated_amount": "erase_amount",
    "consume_amount": "payment_amount",
    **{name: name for name in _TOTALS},
}


class ShowMonthlySum(WireQuery, operation="show_customer_monthly_sum"):
    """The query."""

    bill_cycle: Cycle
    service_type_code: str | None = None
    enterprise_project_id: str | None = None
    method: str | None = None
    sub_customer_id: str | None = None
    limit: int = 10
    offset: int = 0


async def show_monthly_sum(
    session: AsyncSession, principal: Principal, query: ShowMonthlySum, now: datetime
) -> dict[str, Any]:
    """One row for each customer, service, resource type, charging mode and class of bill type.

    The sums on top are of all rows, refunds included.

    Raises:
        BadFieldError: a cycle before the last three years, or `sub_customer` without one.
        NotOwnMemberError

    """
    check_cycle(query.bill_cycle, now, CUSTOMER_VIEW_MONTHS)
    wanted = query.enterprise_project_id
    asked = AskedLines(
        customer_ids=await seen_customers(session, principal, query.method, query.sub_customer_id),
        cycle=query.bill_cycle,
        equal={"service_type_code": query.service_type_code},
        project=NOT_ASSIGNED if wanted == NO_PROJECT else wanted,
    )
    kinds = [getattr(BillSum, name) for name in _KINDS]
    sums = [func.sum(getattr(BillSum, column)).label(name) for name, column in _AMOUNTS.items()]
    rows = (
        select(*kinds, CUSTOMERS_CLASS.label("bill_type"), *sums)
        .where(*asked.on(BillSum))
        .group_by(*kinds, CUSTOMERS_CLASS)
        .subquery()
    )
    totals = [func.coalesce(func.sum(rows.c[name]), ZERO).label(name) for name in _TOTALS]
    consumed = func.coalesce(func.sum(rows.c.consume_amount), ZERO).label("consume_amount")
    whole = await session.execute(
        select(func.count().label("total_count"), consumed, *totals).select_from(rows)
    )
    page = (
        select(rows)
        .order_by(*(rows.c[name] for name in (*_KINDS, "bill_type")))
        .limit(query.limit)
        .offset(query.offset)
    )
    found = [dict(row) for row in (await session.execute(page)).mappings()]
    names = await accounts_of(session, {row["customer_id"] for row in found})
    for row in found:
        row |= {
            "bill_cycle": query.bill_cycle,
            "measure_id": YUAN,
            "account_name": names.get(row["customer_id"], ""),
        }
    return {
        **whole.mappings().one(),
        "measure_id": YUAN,
        "currency": await currency_of(session, principal),
        "bill_sums": found,
    }
