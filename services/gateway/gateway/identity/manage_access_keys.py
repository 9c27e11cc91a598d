"""List, show, change and delete permanent keys; secrets are never told again."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.errors import NotFoundError
from chassis.identity import Principal, WrongPrincipalError
from gateway.identity.create_access_key import Holder, keys_of
from gateway.identity.find_credential import ACTIVE
from gateway.identity.keyring import Keyring
from gateway.identity.lineage import end_below, key_name
from gateway.identity.models import AccessKey
from gateway.identity.requests import ChangedCredential


async def list_access_keys(session: AsyncSession, holder: Holder) -> Sequence[AccessKey]:
    """A holder's keys (`find_holder`), oldest first; bounded, since a holder has few."""
    found = await session.scalars(
        select(AccessKey)
        .where(keys_of(holder), AccessKey.expires_at.is_(None))
        .order_by(AccessKey.created_at)
    )
    return found.all()


async def show_access_key(session: AsyncSession, principal: Principal, access: str) -> AccessKey:
    """One key; somebody else's does not exist for the caller."""
    if principal.acting_for_partner is not None:
        raise WrongPrincipalError
    key = await session.get(AccessKey, access)
    if key is None or key.expires_at is not None or not _is_own(principal, key):
        raise NotFoundError
    return key


async def change_access_key(
    session: AsyncSession,
    keyring: Keyring,
    principal: Principal,
    access: str,
    change: ChangedCredential,
    now: datetime,
) -> AccessKey:
    """Switch a key off or on, or describe it again; what was exchanged by it stays ended."""
    key = await show_access_key(session, principal, access)
    key.status = change.status or key.status
    key.description = key.description if change.description is None else change.description
    if key.status != ACTIVE:
        await session.flush()
        await end_below(session, [key_name(access)])
    audit.record(session, principal, "access_key.change", access, now, status=key.status)
    keyring.end_after_commit(session, key.account_id)
    return key


async def delete_access_key(
    session: AsyncSession, keyring: Keyring, principal: Principal, access: str, now: datetime
) -> None:
    """End a key for good, and all that was exchanged by it."""
    key = await show_access_key(session, principal, access)
    await session.delete(key)
    await session.flush()
    await end_below(session, [key_name(access)])
    audit.record(session, principal, "access_key.delete", access, now)
    keyring.end_after_commit(session, key.account_id)


def user_of(key: AccessKey) -> str:
    """Whose key it is, as IAM calls it."""
    return key.operator_id or key.account_id


def _is_own(principal: Principal, key: AccessKey) -> bool:
    if principal.is_administrator:
        return True
    return (key.account_id, key.operator_id, key.acting_partner_id) == (
        principal.id,
        principal.operator_id,
        None,
    )
