"""State accounts again: `billing.funds_moved` by 0.00, the balance as it is (decision 0007)."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.facts import funds_moved
from billing.accounts.models import CONTRA_FROM, ZERO, Account
from billing.accounts.post_movement import RESTATED
from chassis.move_clock import business_now
from chassis.restatement import Restater
from contracts.event import Event

NO_MOVEMENT = ""
# Contra accounts are nobody's news; one that was only opened has never been told of either.
_TOLD = (Account.account_type <= CONTRA_FROM, Account.version > 1)


async def _count(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(Account).where(*_TOLD)) or 0


async def _next(session: AsyncSession, after: str, limit: int) -> Sequence[Event]:
    found = await session.execute(
        select(Account, business_now())
        .where(Account.account_id > after, *_TOLD)
        .order_by(Account.account_id)
        .limit(limit)
    )
    return [funds_moved(account, ZERO, now, NO_MOVEMENT, RESTATED) for account, now in found]


ACCOUNTS = Restater("account", _count, _next)
