"""Temporary access keys: by a partner for its customer, or by a token for the token's principal.

The BSS SDK cannot send a token, but it can send these (decision 0041).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.errors import BadFieldError
from chassis.identity import WrongPrincipalError
from gateway.identity.authenticate import Caller
from gateway.identity.create_access_key import Holder, mint_key
from gateway.identity.find_assumable import hold_grant
from gateway.identity.keyring import Keyring
from gateway.identity.lineage import Line, hold_line, token_name
from gateway.identity.minting import hash_of, new_token
from gateway.identity.models import AccessKey
from gateway.identity.requests import OwnToken
from gateway.identity.show_token import show_token


@dataclass(frozen=True, slots=True)
class TemporaryKey:
    """Secret and security token are shown once."""

    key: AccessKey
    secret: str
    security_token: str


async def exchange_key(
    session: AsyncSession,
    keyring: Keyring,
    caller: Caller,
    account_id: str,
    duration_seconds: int,
    now: datetime,
) -> TemporaryKey:
    """Keys with which a partner acts for its customer (`find_assumable`) while it agrees."""
    principal = caller.principal
    line = await hold_line(session, caller.credentials, now)
    account = await hold_grant(session, principal, account_id)
    wished = now + timedelta(seconds=duration_seconds)
    made = _temporary(keyring, Holder(account.id, principal.operator_id), line, wished, now)
    made.key.acting_partner_id = principal.id
    session.add(made.key)
    audit.record(session, principal, "account.assume", account.id, now, access=made.key.access)
    return made


async def key_by_token(
    session: AsyncSession,
    keyring: Keyring,
    caller: Caller,
    asked: OwnToken,
    own_token: str | None,
    now: datetime,
) -> TemporaryKey:
    """Keys of the token's principal, for as long as asked but not longer than the token."""
    text = asked.id or own_token
    if text is None:
        raise BadFieldError("auth.identity.token.id")
    if keyring.is_administrator(text):
        raise WrongPrincipalError
    principal = caller.principal
    token = (await show_token(session, principal, text, now)).token
    line = await hold_line(session, (*caller.credentials, token_name(token.hash)), now)
    wished = now + timedelta(seconds=asked.duration_seconds)
    holder = Holder(token.account_id, token.operator_id)
    made = _temporary(keyring, holder, line, wished, now)
    made.key.acting_partner_id = token.acting_partner_id
    session.add(made.key)
    audit.record(session, principal, "temporary_key.issue", token.account_id, now)
    return made


def _temporary(
    keyring: Keyring, holder: Holder, line: Line, wished: datetime, now: datetime
) -> TemporaryKey:
    """Keys that end with the credentials of the line, and not after what was wished."""
    made = mint_key(keyring, holder, "", now)
    security_token = new_token()
    made.key.security_token_hash = hash_of(security_token)
    made.key.expires_at = line.no_later_than(wished)
    made.key.ancestors = list(line.names)
    return TemporaryKey(made.key, made.secret, security_token)
