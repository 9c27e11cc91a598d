"""Who sent a request: by signature, by token, or nobody.

See docs/domain/wire-protocol.md D.1, D.2, D.4a.
"""

import hmac
import time
from dataclasses import dataclass
from datetime import datetime

from chassis.database import Database
from chassis.errors import RefusedError
from chassis.identity import Principal
from chassis.logs import get_logger, note
from gateway.identity.find_credential import find_key, find_token, has_expired
from gateway.identity.keyring import ADMINISTRATOR, Keyring
from gateway.identity.known_credentials import KnownCredential
from gateway.identity.lineage import key_name, token_name
from gateway.identity.minting import hash_of
from gateway.received import Received
from wire.signature import Authorization, SignatureError, parse_authorization, verify

log = get_logger(__name__)

ACCESS_CHARACTERS_SHOWN = 64  # in a log, of a key that nobody may have made


class SignatureRefusedError(RefusedError):
    """No identity given, or one that is not believed; the detail says what to mend."""

    code = "APIGW.0301"


class CredentialExpiredError(RefusedError):
    """The token or temporary key was good and its time is over."""

    code = "APIGW.0307"


class TokenRefusedError(RefusedError):
    """The token is unknown or revoked, or the grant behind it has ended."""

    code = "CBC.0154"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks and what proved it."""

    principal: Principal
    requests_per_second: int | None = None
    access: str | None = None
    signature: str | None = None
    token_hash: str | None = None

    @property
    def credentials(self) -> tuple[str, ...]:
        """The names of what proved it, by which something may be exchanged (lineage.py)."""
        key = () if self.access is None else (key_name(self.access),)
        return key if self.token_hash is None else (*key, token_name(self.token_hash))


class Authenticator:
    """Reads credentials in transactions of its own."""

    def __init__(self, database: Database, keyring: Keyring):
        self._database = database
        self._keyring = keyring

    async def caller_of(self, request: Received, now: datetime) -> Caller | None:
        """The caller, or None when the request names nobody.

        A signature and a token may come together: the signature decides, and the token must be
        the same principal's. `X-Domain-Id`, when there, must be the account's.
        """
        authorization = request.header(b"authorization")
        token = request.header(b"x-auth-token")
        if authorization is None and token is None:
            return None
        by_token = None if token is None else await self.by_token(token, now)
        if authorization is None:
            assert by_token is not None
            caller = by_token
        else:
            caller = await self._by_signature(authorization, request, now)
            if by_token is not None and by_token.principal != caller.principal:
                raise TokenRefusedError("the token is another principal's")
        domain_id = request.header(b"x-domain-id")
        if domain_id and domain_id != caller.principal.id:
            raise SignatureRefusedError("X-Domain-Id is not the account of the credential")
        return caller

    async def by_token(self, token: str, now: datetime) -> Caller:
        """The caller that a token speaks for; also for sessions of the console."""
        if self._keyring.is_administrator(token):
            return Caller(ADMINISTRATOR)
        token_hash = hash_of(token)
        known = await self._known_token(token_hash)
        if known is None:
            raise TokenRefusedError
        return Caller(_standing(known, now), known.requests_per_second, token_hash=token_hash)

    async def _by_signature(self, header: str, request: Received, now: datetime) -> Caller:
        try:
            authorization = parse_authorization(header)
        except SignatureError as error:
            raise _refused(error) from error
        note(access=authorization.access[:ACCESS_CHARACTERS_SHOWN])
        known = await self._known_key(authorization.access)
        if known is None:
            raise SignatureRefusedError("the access key is not known")
        await request.read()
        self._verify(authorization, known, request, now)
        if known.security_token_hash is not None:
            given = hash_of(request.header(b"x-security-token") or "")
            if not hmac.compare_digest(given, known.security_token_hash):
                raise SignatureRefusedError("X-Security-Token is not the temporary key's")
        principal = _standing(known, now)
        return Caller(
            principal, known.requests_per_second, authorization.access, authorization.signature
        )

    @staticmethod
    def _verify(
        authorization: Authorization, known: KnownCredential, request: Received, now: datetime
    ) -> None:
        try:
            verify(
                authorization,
                request.method,
                request.raw_path,
                request.raw_query,
                request.headers,
                request.body,
                known.secret,
                now,
            )
        except SignatureError as error:
            log.info("signature refused", access=authorization.access, reason=str(error))
            raise _refused(error) from error

    async def _known_key(self, access: str) -> KnownCredential | None:
        cache = self._keyring.known
        name = f"key:{access}"
        known = cache.get(name, time.monotonic())
        if known is None:
            turn, at = cache.turn, time.monotonic()
            async with self._database.transaction() as session:
                known = await find_key(session, self._keyring.vault, access)
            if known is not None:
                cache.put(name, known, at, turn)
        return known

    async def _known_token(self, token_hash: str) -> KnownCredential | None:
        cache = self._keyring.known
        name = f"token:{token_hash}"
        known = cache.get(name, time.monotonic())
        if known is None:
            turn, at = cache.turn, time.monotonic()
            async with self._database.transaction() as session:
                known = await find_token(session, token_hash)
            if known is not None:
                cache.put(name, known, at, turn)
        return known


def _standing(known: KnownCredential, now: datetime) -> Principal:
    """The principal of a credential that is neither expired nor ended."""
    if known.revoked:
        raise TokenRefusedError
    if has_expired(known, now):
        raise CredentialExpiredError
    if known.principal is None:
        raise TokenRefusedError("the grant behind it has ended")
    return known.principal


def _refused(error: SignatureError) -> SignatureRefusedError:
    return SignatureRefusedError(f"{error}.")
