"""Money that comes in pays what is owed first, the oldest line before the newer."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import Account
from billing.accounts.post_movement import WRITE_OFF, Cause, OwnerAccounts, post_movement
from billing.bills.models import BillLine
from chassis.outbox import publish
from contracts.billing import BillingArrearsCleared

LINES_AT_ONCE = 500


async def write_off_arrears(session: AsyncSession, accounts: OwnerAccounts, now: datetime) -> None:
    """Pay a customer's debt out of its cash, as far as it reaches; its accounts are locked.

    On each line the amount goes from debt to write-off and the sum stays (docs/domain/bills.md
    B.8). Money only: coupons write nothing off (B.10).
    """
    paid = min(-accounts.arrears.balance, accounts.balance.available)
    if paid <= 0:
        return
    cause = Cause(WRITE_OFF, now, customer_id=accounts.owner_id)
    post_movement(session, cause, (accounts.balance, -paid), (accounts.arrears, paid))
    await _pay_lines(session, accounts.owner_id, paid)
    publish(session, arrears_cleared(accounts.arrears, paid, now))


def arrears_cleared(arrears: Account, paid: Decimal, now: datetime) -> BillingArrearsCleared:
    """What is still owed after `paid` was written off."""
    return BillingArrearsCleared(
        occurred_at=now,
        partner_id=arrears.partner_id,
        distributor_id=arrears.distributor_id,
        version=arrears.version,
        customer_id=arrears.owner_id,
        currency=arrears.currency,
        debt_amount=-arrears.balance,
        writeoff_amount=paid,
    )


async def _pay_lines(session: AsyncSession, customer_id: str, paid: Decimal) -> None:
    """Write `paid` off on the lines that are owed, in portions."""
    owed = (
        select(BillLine)
        .where(BillLine.customer_id == customer_id, BillLine.debt_amount > 0)
        .order_by(BillLine.trade_time, BillLine.line_id)
        .limit(LINES_AT_ONCE)
        .execution_options(populate_existing=True)
    )
    while paid > 0:
        lines = (await session.scalars(owed)).all()
        if not lines:
            raise ValueError(f"{customer_id} owes {paid} on no line")
        for line in lines:
            paid -= line.write_off(paid)
        await session.flush()
