"""The settled lines of a bill, in the order of their trade times: for pages, files and exports."""

from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.lines.models import BillLine
from billing.partner_bills.find_bill import SeenBill
from billing.settlement.models import SettledLine

# What a line of the partner's bill says, beside what the customer's line says of the same.
SETTLED = (
    SettledLine.position,
    SettledLine.line_id,
    SettledLine.partner_id,
    SettledLine.customer_id,
    SettledLine.account_id,
    SettledLine.account_manager_id,
    SettledLine.association_type,
    SettledLine.trade_time,
    SettledLine.service_type_code,
    SettledLine.charging_mode,
    SettledLine.bill_type,
    SettledLine.customer_amount,
    SettledLine.settlement_type,
    SettledLine.settlement_discount,
    SettledLine.settlement_amount,
    SettledLine.voucher_amount,
    SettledLine.forfeited_amount,
    SettledLine.due_amount,
    SettledLine.performance_amount,
    SettledLine.refund_of,
    SettledLine.refund_case,
    SettledLine.vouchers,
)
OF_THE_LINE = (
    BillLine.service_type_name,
    BillLine.resource_type_name,
    BillLine.resource_id,
    BillLine.resource_name,
    BillLine.product_id,
    BillLine.region_code,
    BillLine.trade_id,
    BillLine.currency,
)


def settled_lines(
    seen: SeenBill, after: int, limit: int, *narrowed: ColumnElement[bool]
) -> Select[Any]:
    """The lines behind a position."""
    joined = and_(BillLine.line_id == SettledLine.line_id, BillLine.bill_cycle == seen.cycle)
    wanted = (
        select(*SETTLED, *OF_THE_LINE)
        .join(BillLine, joined)
        .where(
            SettledLine.settlement_id == seen.settlement_id,
            SettledLine.position > after,
            *narrowed,
        )
        .order_by(SettledLine.position)
        .limit(limit)
    )
    if seen.is_resellers:
        wanted = wanted.where(SettledLine.partner_id == seen.partner_id)
    return wanted


async def read_settled_lines(
    session: AsyncSession, seen: SeenBill, after: int, limit: int, *narrowed: ColumnElement[bool]
) -> list[Row[Any]]:
    """A portion of them."""
    found = await session.execute(settled_lines(seen, after, limit, *narrowed))
    return list(found.all())
