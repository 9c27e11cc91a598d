"""Money that comes in pays what is owed first, the oldest line before the newer."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.facts import arrears_cleared
from billing.accounts.post_movement import WRITE_OFF, Cause, OwnerAccounts, post_movement
from billing.lines.facts import line_settled
from billing.lines.models import BillLine
from chassis import outbox

LINES_AT_ONCE = 500
CUSTOMER = "customer"  # kind of owner


async def write_off_arrears(session: AsyncSession, accounts: OwnerAccounts, now: datetime) -> None:
    """Pay a customer's debt out of its cash, as far as it reaches; its accounts are locked.

    On each line the amount goes from debt to write-off and the sum stays (docs/domain/bills.md
    B.8). Money only: coupons write nothing off (B.10). A partner owes nothing.
    """
    if accounts.balance.owner_kind != CUSTOMER:
        return
    paid = min(-accounts.arrears.balance, accounts.balance.available)
    if paid <= 0:
        return
    cause = Cause(WRITE_OFF, now, customer_id=accounts.owner_id)
    post_movement(session, cause, (accounts.balance, -paid), (accounts.arrears, paid))
    await _pay_lines(session, accounts.owner_id, paid, now)
    outbox.publish(session, arrears_cleared(accounts.arrears, paid, now))


async def _pay_lines(session: AsyncSession, customer_id: str, paid: Decimal, now: datetime) -> None:
    """Write `paid` off on the lines that it owes, in portions; each line says so."""
    owed = (
        select(BillLine)
        .where(
            func.coalesce(BillLine.payer_id, BillLine.customer_id) == customer_id,
            BillLine.debt_amount > 0,
        )
        .order_by(BillLine.trade_time, BillLine.line_id)
        .limit(LINES_AT_ONCE)
        .execution_options(populate_existing=True)
    )
    while paid > 0:
        lines = (await session.scalars(owed)).all()
        if not lines:
            raise ValueError(f"{customer_id} owes {paid} on no line")
        for line in lines:
            if not paid:
                break
            part = line.write_off(paid, now)
            paid -= part
            outbox.publish(session, line_settled(line, part, now))
        await session.flush()
