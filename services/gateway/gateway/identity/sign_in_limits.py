"""How often somebody may try to sign in, so that passwords cannot be guessed.

Counted for a name and an address, so that no stranger locks an account out by trying its name. All
strangers together are counted for the account, too; an address from which somebody of the account
has signed in before is no stranger's.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from sqlalchemy import exists, select

from chassis.database import Database
from gateway.identity.models import Account, Token
from gateway.identity.passwords import PasswordsBusyError
from gateway.rate_limit import RateLimit, ThrottledError
from gateway.settings import GatewaySettings

WINDOW_SECONDS = 60
WAITING_MAX = 50
KNOWN_DAYS = 7  # about as long as expired tokens are kept


class SignInLimits:
    """In this process alone, like the other limits."""

    def __init__(self, settings: GatewaySettings):
        self._per_minute = settings.sign_ins_per_minute
        self._per_minute_of_account = settings.sign_ins_per_minute_of_account
        self._tries = RateLimit(WINDOW_SECONDS)
        self._waiting = 0

    async def take(
        self, database: Database, domain: str, name: str, address: str, now: datetime
    ) -> None:
        """Count a try.

        Raises:
            ThrottledError: too many of this address for this name, or of strangers for the account.

        """
        self._tries.take((domain, name, address), self._per_minute, now)
        try:
            self._tries.take(domain, self._per_minute_of_account, now)
        except ThrottledError:
            if not await _is_known(database, domain, address, now):
                raise

    def take_for_console(self, address: str, limit: int, now: datetime) -> None:
        """Count a try at the console's form, whatever name it gives."""
        self._tries.take(("ops", address), limit, now)

    @asynccontextmanager
    async def waiting(self) -> AsyncIterator[None]:
        """Wait for somebody who is on its way, if not too many do.

        Raises:
            PasswordsBusyError: they do.

        """
        if self._waiting >= WAITING_MAX:
            raise PasswordsBusyError
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    def forgive(self, domain: str, name: str, address: str) -> None:
        """Forget the tries before one that was right."""
        self._tries.forgive((domain, name, address))


async def _is_known(database: Database, domain: str, address: str, now: datetime) -> bool:
    signed_in = (
        exists()
        .where(Token.account_id == Account.id, Token.address == address)
        .where(Token.method == "password", Token.issued_at > now - timedelta(days=KNOWN_DAYS))
    )
    asked = select(Account.id).where(Account.account_name == domain, signed_in).limit(1)
    async with database.transaction() as session:
        return await session.scalar(asked) is not None
