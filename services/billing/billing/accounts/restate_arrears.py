"""State again what customers owe: `billing.arrears_cleared` by 0.00 (decision 0007).

Also of those who owe nothing any more: a copy may have missed that.
"""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.facts import arrears_cleared
from billing.accounts.models import ARREARS as ARREARS_TYPE
from billing.accounts.models import ZERO, Account
from chassis.move_clock import business_now
from chassis.restatement import Restater
from contracts.event import Event

# No event ever named a customer that never owed anything.
_TOLD = (Account.account_type == ARREARS_TYPE, Account.version > 1)


async def _count(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(Account).where(*_TOLD)) or 0


async def _next(session: AsyncSession, after: str, limit: int) -> Sequence[Event]:
    found = await session.execute(
        select(Account, business_now())
        .where(Account.owner_id > after, *_TOLD)
        .order_by(Account.owner_id)
        .limit(limit)
    )
    return [arrears_cleared(account, ZERO, now) for account, now in found]


ARREARS = Restater("arrears", _count, _next)
