"""What a partner abroad owes for a month: consumption + refunds + adjustments (F20, I.9)."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.bills.bill_types import REFUNDS
from billing.bills.windows import check_cycle
from billing.partner_bills.find_bill import BillNotFoundError
from billing.settlement.models import PUBLISHED, SETTLED, SettledLine, Settlement
from chassis.identity import Principal
from wire.types import Cycle, WireQuery

ZERO = Decimal("0.00")


class SumPostpaidBill(WireQuery, operation="list_postpaid_bill_sum", site="international"):
    """The query of list_postpaid_bill_sum, which is spoken abroad alone."""

    bill_cycle: Cycle


async def sum_postpaid_bill(
    session: AsyncSession, principal: Principal, query: SumPostpaidBill, now: datetime
) -> dict[str, Any]:
    """Of the month's current bill, before vouchers pay; taxes are not reckoned here.

    Raises:
        BillNotFoundError: the month is not settled yet.

    """
    check_cycle(query.bill_cycle, now)
    bill = await session.scalar(
        select(Settlement).where(
            Settlement.partner_id == principal.partner_id,
            Settlement.cycle == query.bill_cycle,
            Settlement.state.in_((SETTLED, PUBLISHED)),
            Settlement.is_current,
        )
    )
    if bill is None:
        raise BillNotFoundError
    refunds = await session.scalar(
        select(func.sum(SettledLine.settlement_amount)).where(
            SettledLine.settlement_id == bill.settlement_id, SettledLine.bill_type.in_(REFUNDS)
        )
    )
    refunded, adjusted = refunds or ZERO, bill.adjustment_amount
    consumed = bill.settlement_amount - refunded
    return {
        "bill_cycle": bill.cycle,
        "initial_amount_due": consumed + refunded + adjusted,
        "consume_amount": consumed,
        "refunds": refunded,
        "adjustments": adjusted,
        "tax_amount": ZERO,
        "currency": bill.currency,
    }
