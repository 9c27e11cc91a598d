"""Who consumed in a cycle (list_consume_sub_customers)."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.bills.windows import check_cycle
from billing.lines.models import BillLine
from chassis.identity import Principal
from wire.types import Cycle, WireRequest


class ListConsumingCustomers(WireRequest, operation="list_consume_sub_customers"):
    """The body."""

    bill_cycle: Cycle
    limit: int = 10
    offset: int = 0


async def list_consuming_customers(
    session: AsyncSession, principal: Principal, wanted: ListConsumingCustomers, now: datetime
) -> dict[str, Any]:
    """Customers with a line while they were the caller's, even if unlinked now.

    See docs/domain/bills.md B.8.
    """
    check_cycle(wanted.bill_cycle, now)
    consumed = (
        select(BillLine.customer_id)
        .where(
            BillLine.partner_id == principal.partner_id, BillLine.bill_cycle == wanted.bill_cycle
        )
        .distinct()
    )
    total = await session.scalar(select(func.count()).select_from(consumed.subquery())) or 0
    page = consumed.order_by(BillLine.customer_id).limit(wanted.limit).offset(wanted.offset)
    rows = [{"customer_id": customer_id} for customer_id in await session.scalars(page)]
    return {"total_count": total, "sub_customers": rows}
