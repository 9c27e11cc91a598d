"""How many requests a second a principal may send, instead of the operations' own limits."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.copies import wait_for
from chassis.database import Database
from chassis.errors import NotFoundError
from chassis.identity import Principal
from gateway.identity.keyring import Keyring
from gateway.identity.models import Account
from wire.native import NativeAnswer


class RateLimitAnswer(NativeAnswer):
    """The account's own limit; null where the operations' own hold."""

    id: str
    requests_per_second: int | None


async def set_rate_limit(
    database: Database,
    session: AsyncSession,
    keyring: Keyring,
    principal: Principal,
    account_id: str,
    requests_per_second: int | None,
    now: datetime,
) -> Account:
    """Override an account's limit, per operation; None returns to the operations' own."""
    if await wait_for(database, lambda asking: asking.get(Account, account_id)) is None:
        raise NotFoundError("account")
    account = await session.get_one(Account, account_id)
    account.requests_per_second = requests_per_second
    audit.record(
        session, principal, "rate_limit.set", account_id, now, per_second=requests_per_second
    )
    keyring.end_after_commit(session, account_id)
    return account
