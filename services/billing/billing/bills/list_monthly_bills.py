"""What a partner's resale customers consumed in a month (list_subcustomer_monthly_bills)."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.find_parties import NotOwnCustomerError
from billing.bills.bill_types import NORMAL, PARTNERS_CLASS
from billing.bills.windows import check_cycle
from billing.copies import Customer, Partner
from billing.lines.models import BillSum
from chassis.identity import Principal
from chassis.tenancy import acted_for
from wire.times import beijing_day
from wire.types import Cycle, WireQuery
from wire.vocabulary import CURRENCY_OF_SITE, RESALE_TYPES, YUAN

_KINDS = (
    "customer_id", "service_type_code", "service_type_name", "resource_type_code",
    "resource_type_name",
)  # fmt: skip
_BALANCES = {
    "BALANCE_TYPE_DEBIT": "cash_amount",
    "BALANCE_TYPE_CREDIT": "credit_amount",
    "BALANCE_TYPE_BONUS": "bonus_amount",
    "BALANCE_TYPE_COUPON": "coupon_amount",
    "BALANCE_TYPE_RCASH_COUPON": "flexipurchase_coupon_amount",
    "BALANCE_TYPE_STORED_VALUE_CARD": "stored_value_card_amount",
}
_SUMMED = (
    *_BALANCES.values(), "payment_amount", "debt_amount", "writeoff_amount",
    "official_discount_amount",
)  # fmt: skip


class ListMonthlyBills(WireQuery, operation="list_subcustomer_monthly_bills"):
    """The query; amounts of `bill_type` 1 and 2 are negative."""

    cycle: Cycle
    charge_mode: str
    customer_id: str | None = None
    cloud_service_type: str | None = None
    bill_type: str | None = None
    indirect_partner_id: str | None = None
    limit: int = 10
    offset: int = 0


async def list_monthly_bills(
    session: AsyncSession, principal: Principal, query: ListMonthlyBills, now: datetime
) -> dict[str, Any]:
    """Sums of lines of the days before today, of those who were resale customers at that time.

    amount = Σ account_details + debt_amount + adjustment_amount (docs/domain/bills.md I.6).

    Raises:
        BadFieldError: a cycle before the last 18.
        NotOwnResellerError, NotOwnCustomerError

    """
    check_cycle(query.cycle, now, field="cycle")
    partner_id = await acted_for(session, principal, query.indirect_partner_id, Partner)
    conditions = [
        BillSum.partner_id == partner_id,
        BillSum.bill_cycle == query.cycle,
        BillSum.association_type.in_(RESALE_TYPES),
        BillSum.charging_mode == int(query.charge_mode),
        BillSum.bill_date < beijing_day(now),
    ]
    if query.customer_id is not None:
        conditions.append(BillSum.customer_id == query.customer_id)
    if query.cloud_service_type is not None:
        conditions.append(BillSum.service_type_code == query.cloud_service_type)
    if query.bill_type is not None:
        conditions.append(PARTNERS_CLASS.in_([query.bill_type]))
    kinds = [getattr(BillSum, name) for name in _KINDS]
    rows = (
        select(
            *kinds,
            PARTNERS_CLASS.label("bill_type"),
            *(func.sum(getattr(BillSum, name)).label(name) for name in _SUMMED),
        )
        .where(*conditions)
        .group_by(*kinds, PARTNERS_CLASS)
        .subquery()
    )
    count = await session.scalar(select(func.count()).select_from(rows)) or 0
    if count == 0 and query.customer_id is not None:
        await _check_own(session, query.customer_id, partner_id)
    page = (
        select(rows)
        .order_by(*(rows.c[name] for name in (*_KINDS, "bill_type")))
        .limit(query.limit)
        .offset(query.offset)
    )
    found = (await session.execute(page)).mappings().all()
    return {
        "count": count,
        "currency": CURRENCY_OF_SITE[principal.site],
        "bill_sums": [_sum(row, query.charge_mode) for row in found],
    }


async def _check_own(session: AsyncSession, customer_id: str, partner_id: str) -> None:
    """Nothing found: is the customer the partner's, now or by an older sum?"""
    customer = await session.get(Customer, customer_id)
    if customer is not None and customer.partner_id == partner_id:
        return
    earlier = select(BillSum.lines).where(
        BillSum.customer_id == customer_id, BillSum.partner_id == partner_id
    )
    if (await session.execute(earlier.limit(1))).first() is None:
        raise NotOwnCustomerError(customer_id)


def _sum(row: Any, charge_mode: str) -> dict[str, Any]:
    """As the SDK's BillSumInfoV2: what is not consumption has no debt, write-off or discount."""
    shown = {
        "customer_id": row["customer_id"],
        "cloud_service_type": row["service_type_code"],
        "cloud_service_type_name": row["service_type_name"],
        "resource_type_code": row["resource_type_code"],
        "resource_type_name": row["resource_type_name"],
        "bill_type": row["bill_type"],
        "charge_mode": charge_mode,
        "amount": row["payment_amount"],
        "measure_id": YUAN,
        "account_details": [
            {"balance_type": kind, "amount": row[column], "bill_type": row["bill_type"]}
            for kind, column in _BALANCES.items()
            if row[column]
        ],
    }
    if row["bill_type"] == NORMAL:
        shown |= {
            "debt_amount": row["debt_amount"],
            "adjustment_amount": row["writeoff_amount"],
            "discount_amount": row["official_discount_amount"],
        }
    return shown
