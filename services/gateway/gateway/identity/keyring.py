"""What identity keeps in the process: the vault, the password hasher and the known credentials."""

import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from chassis.identity import Principal
from chassis.vault import Vault
from gateway.identity.known_credentials import KnownCredentials
from gateway.identity.passwords import Passwords
from gateway.identity.sign_in_limits import SignInLimits
from gateway.settings import GatewaySettings

ADMINISTRATOR = Principal(id="administrator", kind="administrator", partner_id="*")
_ENDING = "credentials to end"


class Keyring:
    """One per process."""

    def __init__(self, settings: GatewaySettings):
        self._admin_token = settings.admin_token.get_secret_value().encode()
        self.vault = Vault(settings.keys_at_rest)
        self.passwords = Passwords(settings)
        self.known = KnownCredentials(
            settings.credential_cache_entries, settings.credential_cache_seconds
        )
        self.sign_ins = SignInLimits(settings)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Let its threads go at the end."""
        yield
        self.passwords.close()

    def is_administrator(self, token: str) -> bool:
        """Whether it is ADMIN_TOKEN; takes the same time whatever it is."""
        return hmac.compare_digest(token.encode("utf-8", "replace"), self._admin_token)

    def end_after_commit(self, session: AsyncSession, *who: str | None) -> None:
        """Forget the credentials of accounts or operators once the session's change is there."""
        end_after_commit(session, self.known, who)


def end_after_commit(
    session: AsyncSession, known: KnownCredentials, who: tuple[str | None, ...]
) -> None:
    """Before the commit another request would read, and keep, what is about to change."""
    ending: set[str] = session.info.setdefault(_ENDING, set())
    if not ending:

        def end(_session: Session) -> None:
            for one in ending:
                known.end(one)
            ending.clear()

        event.listen(session.sync_session, "after_commit", end, once=True)
    ending.update(one for one in who if one is not None)
