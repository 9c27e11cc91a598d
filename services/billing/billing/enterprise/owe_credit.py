"""What reclaimed credit had paid is owed: on the newest lines that it paid."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.dated_credit import LineCredit
from billing.accounts.models import ZERO
from billing.enterprise.models import TransferFailedError
from billing.lines.facts import line_settled
from billing.lines.models import BillLine
from chassis import outbox

LINES_AT_ONCE = 500

Paid = tuple[BillLine, Decimal]


async def owe_credit(
    session: AsyncSession, member_id: str, account_id: str | None, owed: Decimal, now: datetime
) -> None:
    """Turn credit of lines into debt; `account_id` is a dated account, None the one without end.

    Each line says so: its sums stay (docs/domain/bills.md B.8).

    Raises:
        TransferFailedError: the lines that the credit paid are not found; nothing moves.

    """
    while owed > 0:
        await session.flush()
        if account_id is None:
            found = await _paid_without_end(session, member_id)
        else:
            found = await _paid_by(session, account_id)
        if not found:
            raise TransferFailedError("what the credit paid is not found")
        for line, paid in found:
            part = min(owed, paid, line.credit_amount)
            if part <= 0:
                continue
            line.owe_credit(part, now)
            if account_id is not None:
                noted = await session.get_one(LineCredit, (line.line_id, account_id))
                noted.amount -= part
            owed -= part
            outbox.publish(session, line_settled(line, -part, now))


async def _paid_by(session: AsyncSession, account_id: str) -> list[Paid]:
    found = await session.execute(
        select(BillLine, LineCredit.amount)
        .join(
            BillLine,
            (BillLine.line_id == LineCredit.line_id)
            & (BillLine.bill_cycle == LineCredit.bill_cycle),
        )
        .where(LineCredit.account_id == account_id, LineCredit.amount > 0)
        .where(BillLine.credit_amount > 0)
        .order_by(LineCredit.trade_time.desc(), LineCredit.line_id.desc())
        .limit(LINES_AT_ONCE)
        .execution_options(populate_existing=True)
    )
    return [(line, amount) for line, amount in found]


async def _paid_without_end(session: AsyncSession, member_id: str) -> list[Paid]:
    """An independent member pays its own lines only."""
    dated = (
        select(func.coalesce(func.sum(LineCredit.amount), ZERO))
        .where(LineCredit.line_id == BillLine.line_id)
        .scalar_subquery()
    )
    paid = BillLine.credit_amount - dated
    found = await session.execute(
        select(BillLine, paid)
        .where(BillLine.customer_id == member_id, BillLine.payer_id.is_(None))
        .where(BillLine.credit_amount > 0, paid > 0)
        .order_by(BillLine.bill_cycle.desc(), BillLine.trade_time.desc(), BillLine.line_id.desc())
        .limit(LINES_AT_ONCE)
        .execution_options(populate_existing=True)
    )
    return [(line, amount) for line, amount in found]
