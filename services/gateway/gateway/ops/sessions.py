"""Sessions of the console: made by a sign-in, asked at every request, ended by a sign-out."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import ValidationError
from sqlalchemy import delete, select, update

from chassis import audit
from chassis.database import Database
from chassis.errors import RefusedError
from chassis.identity import Principal
from chassis.logs import get_logger
from gateway.identity.find_credential import find_token, has_expired
from gateway.identity.issue_token import WrongPasswordError, sign_in
from gateway.identity.keyring import ADMINISTRATOR, Keyring
from gateway.identity.minting import hash_of
from gateway.identity.models import Token
from gateway.identity.requests import Domain, User
from gateway.ops.models import ConsoleSession
from gateway.settings import GatewaySettings
from wire.permissions import OPS_CONSOLE_ITEM, OPS_DECIDE_ITEM

log = get_logger(__name__)

SESSION_HOURS = 12
SESSION_ID_BYTES = 32
SIGN_INS_PER_MINUTE_AND_ADDRESS = 10
SESSIONS_PRUNED_MAX = 1000


class NoConsoleError(RefusedError):
    """The account exists and may not see the console."""

    code = "CBC.0151"


class NoDecisionError(RefusedError):
    """Who looks may see the console and not decide in it."""

    code = "CBC.0151"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks at the console, and under which session."""

    session_id: str
    name: str
    principal: Principal
    may_see: bool
    may_decide: bool

    @property
    def who(self) -> str:
        """The person, whatever number of sessions it has."""
        return self.principal.operator_id or self.principal.id

    @property
    def commander(self) -> Principal:
        """As whom the services hear it: the platform's administrator, by this person's hand."""
        return Principal(
            id=ADMINISTRATOR.id,
            kind=ADMINISTRATOR.kind,
            partner_id=ADMINISTRATOR.partner_id,
            operator_id=self.principal.operator_id,
            caller="ops",
        )


class Sessions:
    """Reads credentials in transactions of its own."""

    def __init__(self, database: Database, keyring: Keyring, settings: GatewaySettings):
        self._database = database
        self._keyring = keyring
        # A session of the administrator ends when ADMIN_TOKEN is changed; the mark tells nothing.
        key = next(iter(settings.keys_at_rest.values()))
        token = settings.admin_token.get_secret_value().encode()
        self._administrator_mark = hmac.new(key, b"console\0" + token, hashlib.sha256).hexdigest()

    def count(self, address: str, now: datetime) -> None:
        """Count a try to sign in; refuses the one over the limit of its address."""
        limits = self._keyring.sign_ins
        limits.take_for_console(address, SIGN_INS_PER_MINUTE_AND_ADDRESS, now)

    async def by_token(self, token: str, address: str, now: datetime) -> str:
        """A session for the administrator's token; its id.

        Raises:
            WrongPasswordError: it is another.

        """
        if not self._keyring.is_administrator(token):
            log.warning("sign-in refused", account="administrator", address=address)
            raise WrongPasswordError
        return await self._make("administrator", self._administrator_mark, True, now)

    async def by_password(
        self, account: str, operator: str, password: str, address: str, now: datetime
    ) -> str:
        """A session for an operator with the permission; its id.

        Raises:
            WrongPasswordError: no such operator, or another password.
            NoConsoleError: the account itself, or an operator without the permission.

        """
        try:
            user = User(name=operator, password=password, domain=Domain(name=account))
        except ValidationError as error:
            raise WrongPasswordError from error
        issued = await sign_in(self._database, self._keyring, user, address, now)
        if issued.operator is None or OPS_CONSOLE_ITEM not in issued.operator.permissions:
            raise NoConsoleError
        name = f"{issued.operator.account_name} · {issued.account.account_name}"
        return await self._make(name, issued.token.hash, False, now)

    async def visitor(self, session_id: str | None, now: datetime) -> Visitor | None:
        """Who has that session; None when it is unknown, over, or its credential has ended."""
        if not session_id:
            return None
        row = ConsoleSession
        query = select(row).where(row.hash == hash_of(session_id), row.expires_at > now)
        async with self._database.transaction() as session:
            kept = (await session.scalars(query)).one_or_none()
            if kept is None:
                return None
            if kept.is_administrator:
                is_current = hmac.compare_digest(kept.credential, self._administrator_mark)
                if not is_current:
                    return None
                return Visitor(session_id, kept.name, ADMINISTRATOR, True, True)
            known = await find_token(session, kept.credential)
        if known is None or known.revoked or known.principal is None or has_expired(known, now):
            return None
        items = known.principal.permissions
        may_see, may_decide = OPS_CONSOLE_ITEM in items, OPS_DECIDE_ITEM in items
        return Visitor(session_id, kept.name, known.principal, may_see, may_see and may_decide)

    async def _make(self, name: str, credential: str, is_administrator: bool, now: datetime) -> str:
        session_id = new_session_id()
        made = ConsoleSession(
            hash=hash_of(session_id),
            credential=credential,
            is_administrator=is_administrator,
            name=name,
            signed_in_at=now,
            expires_at=now + timedelta(hours=SESSION_HOURS),
        )
        async with self._database.transaction() as session:
            session.add(made)
            if is_administrator:  # an operator's sign-in is recorded by identity
                audit.record(session, ADMINISTRATOR, "ops.sign_in", ADMINISTRATOR.id, now)
        return session_id

    async def end(self, visitor: Visitor, now: datetime) -> None:
        """Sign out; the operator's token ends with its session."""
        row = ConsoleSession
        async with self._database.transaction() as session:
            gone = await session.scalars(
                delete(row).where(row.hash == hash_of(visitor.session_id)).returning(row.credential)
            )
            for credential in gone.all():
                await session.execute(
                    update(Token).where(Token.hash == credential).values(revoked_at=now)
                )
            audit.record(session, visitor.principal, "ops.sign_out", visitor.principal.id, now)
            self._keyring.end_after_commit(session, visitor.principal.operator_id)


async def prune_sessions(database: Database, now: datetime) -> None:
    """Schedule: sessions that are over leave, a bounded portion at a time."""
    row = ConsoleSession
    over = select(row.hash).where(row.expires_at < now).limit(SESSIONS_PRUNED_MAX)
    async with database.transaction() as session:
        await session.execute(delete(row).where(row.hash.in_(over)))


def csrf_of(cookie: str) -> str:
    """The token that forms carry; it follows from the cookie, which no other site can read."""
    return hmac.new(cookie.encode(), b"csrf", hashlib.sha256).hexdigest()


def new_session_id() -> str:
    """256 bits, for a cookie."""
    return secrets.token_urlsafe(SESSION_ID_BYTES)
