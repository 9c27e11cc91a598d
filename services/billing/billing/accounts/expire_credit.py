"""Credit that ends on a date is gone then: what nobody spent or holds is cleared."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import ZERO, Account
from billing.accounts.post_movement import EXPIRE, Cause, lock_accounts, post_movement
from chassis.database import Database

EXPIRE_SECONDS = 60.0  # between two turns; what has ended is not spent before it is cleared either
OWNERS_AT_ONCE = 100  # of a portion, which is a transaction

_ENDED = (Account.expires_at.is_not(None), Account.balance > Account.held)


async def expire_credit(database: Database, now: datetime) -> None:
    """Clear what has ended, a portion of owners after another.

    What a payment holds stays until its outcome; freed, it is cleared by the next turn.
    """
    while True:
        async with database.transaction() as session:
            owners = await session.scalars(
                select(Account.owner_id)
                .where(*_ENDED, Account.expires_at <= now)
                .distinct()
                .order_by(Account.owner_id)
                .limit(OWNERS_AT_ONCE)
            )
            found = list(owners)
            for accounts in (await lock_accounts(session, *found)).values():
                for credit in accounts.dated:
                    assert credit.expires_at is not None
                    left = credit.available
                    if credit.expires_at <= now and left > 0:
                        credit.credit_amount = (credit.credit_amount or ZERO) - left
                        whose = credit.owner_id if credit.is_customers else None
                        cause = Cause(EXPIRE, now, customer_id=whose)
                        post_movement(session, cause, (credit, -left), (accounts.credit_line, left))
        if len(found) < OWNERS_AT_ONCE:
            return


async def next_credit_end(session: AsyncSession) -> datetime | None:
    """When the next credit ends of which something is left."""
    return await session.scalar(select(func.min(Account.expires_at)).where(*_ENDED))
