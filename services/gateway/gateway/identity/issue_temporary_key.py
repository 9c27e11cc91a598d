"""Temporary access keys: by a partner for its customer, or by a token for the token's principal.

The BSS SDK cannot send a token, but it can send these (design.md 11, "Customer credentials").
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.errors import BadFieldError
from chassis.identity import Principal, WrongPrincipalError
from gateway.identity.create_access_key import Holder, mint_key
from gateway.identity.keyring import Keyring
from gateway.identity.minting import hash_of, new_token
from gateway.identity.models import AccessKey, Account, Token
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
    principal: Principal,
    account: Account,
    duration_seconds: int,
    now: datetime,
) -> TemporaryKey:
    """Keys with which a partner acts for its customer (`find_assumable`) while it agrees."""
    until = now + timedelta(seconds=duration_seconds)
    made = _temporary(keyring, Holder(account.id, principal.operator_id), now, until)
    made.key.acting_partner_id = principal.id
    session.add(made.key)
    audit.record(session, principal, "assume_role", account.id, now, access=made.key.access)
    return made


async def key_by_token(
    session: AsyncSession,
    keyring: Keyring,
    principal: Principal,
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
    # Held until the end: a revocation that waits for it finds the key that is made here.
    await session.execute(select(Token).where(Token.hash == hash_of(text)).with_for_update())
    token = (await show_token(session, principal, text, now)).token
    wished = now + timedelta(seconds=asked.duration_seconds)
    made = _temporary(
        keyring, Holder(token.account_id, token.operator_id), now, min(wished, token.expires_at)
    )
    made.key.acting_partner_id = token.acting_partner_id
    made.key.made_by_token = token.hash
    session.add(made.key)
    audit.record(session, principal, "issue_temporary_key", token.account_id, now)
    return made


def _temporary(keyring: Keyring, holder: Holder, now: datetime, until: datetime) -> TemporaryKey:
    made = mint_key(keyring, holder, "", now)
    security_token = new_token()
    made.key.security_token_hash = hash_of(security_token)
    made.key.expires_at = until
    return TemporaryKey(made.key, made.secret, security_token)
