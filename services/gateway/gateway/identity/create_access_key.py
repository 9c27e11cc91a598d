"""Permanent access keys: for oneself, or by the administrator for anybody."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.copies import wait_for
from chassis.database import Database
from chassis.errors import NotFoundError, RefusedError
from chassis.identity import Principal, WrongPrincipalError
from gateway.identity.keyring import Keyring
from gateway.identity.minting import new_access, new_secret
from gateway.identity.models import AccessKey, Account, Operator

KEYS_PER_HOLDER_MAX = 10


class TooManyKeysError(RefusedError):
    """The holder has as many permanent keys as it may; delete one."""

    code = "CHB.0409"


class NotYourKeysError(RefusedError):
    """Keys are made for oneself; whether the other exists is not told."""

    code = "CBC.0150"


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose keys: an account's, or an operator's of it."""

    account_id: str
    operator_id: str | None = None

    @property
    def user_id(self) -> str:
        """As IAM calls it."""
        return self.operator_id or self.account_id


@dataclass(frozen=True, slots=True)
class MadeKey:
    """The secret is shown once."""

    key: AccessKey
    secret: str
    user_id: str


async def create_access_key(
    session: AsyncSession,
    keyring: Keyring,
    principal: Principal,
    holder: Holder,
    description: str,
    now: datetime,
) -> MadeKey:
    """A key that never expires, for a holder of `find_holder`."""
    # One at a time for a holder: the count would be wrong for two at once.
    await session.execute(select(Account).where(Account.id == holder.account_id).with_for_update())
    kept = await session.scalar(
        select(func.count())
        .select_from(AccessKey)
        .where(keys_of(holder), AccessKey.expires_at.is_(None))
    )
    if (kept or 0) >= KEYS_PER_HOLDER_MAX:
        raise TooManyKeysError(f"{KEYS_PER_HOLDER_MAX} keys")
    made = mint_key(keyring, holder, description, now)
    session.add(made.key)
    audit.record(session, principal, "access_key.create", made.key.access, now, user=made.user_id)
    return made


async def find_holder(database: Database, principal: Principal, user_id: str | None) -> Holder:
    """Whose keys the caller means: its own, or for the administrator anybody's.

    The principal may still be on its way (2 s).
    Somebody who acts for a customer holds a borrowed credential and gets no lasting one by it.
    """
    if principal.acting_for_partner is not None:
        raise WrongPrincipalError
    if not principal.is_administrator:
        own = Holder(principal.id, principal.operator_id)
        if user_id not in (None, own.user_id):
            raise NotYourKeysError
        return own
    if user_id is None:
        raise NotFoundError("user_id")
    holder = await wait_for(database, lambda session: _find_anybody(session, user_id))
    if holder is None:
        raise NotFoundError("user_id")
    return holder


def keys_of(holder: Holder) -> ColumnElement[bool]:
    """The condition for a holder's own keys; those of exchanges are nobody's to list."""
    return (
        (AccessKey.account_id == holder.account_id)
        & AccessKey.operator_id.is_not_distinct_from(holder.operator_id)
        & AccessKey.acting_partner_id.is_(None)
    )


def mint_key(keyring: Keyring, holder: Holder, description: str, now: datetime) -> MadeKey:
    """A fresh key with its secret sealed; not yet in any session."""
    access, secret = new_access(), new_secret()
    key_id, sealed = keyring.vault.seal(secret, access)
    key = AccessKey(
        access=access,
        account_id=holder.account_id,
        operator_id=holder.operator_id,
        secret=sealed,
        secret_key_id=key_id,
        status="active",
        description=description,
        created_at=now,
    )
    return MadeKey(key, secret, holder.user_id)


async def _find_anybody(session: AsyncSession, user_id: str) -> Holder | None:
    if await session.get(Account, user_id):
        return Holder(user_id)
    operator = await session.get(Operator, user_id)
    if operator is None or not await session.get(Account, operator.partner_id):
        return None
    return Holder(operator.partner_id, operator.id)
