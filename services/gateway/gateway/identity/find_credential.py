"""Read a key or token and decide for whom it speaks now: grants are checked at every use."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.identity import Principal
from chassis.vault import Vault
from gateway.identity.known_credentials import KnownCredential
from gateway.identity.models import AccessKey, Account, Authorization, Operator, Token
from wire.vocabulary import RESALE_TYPES, AssociationStatus

ASSOCIATED = AssociationStatus.ASSOCIATED
ACTIVE, ENDED = "active", "ended"


async def find_key(session: AsyncSession, vault: Vault, access: str) -> KnownCredential | None:
    """The access key of that id, an ended one too; None for an unknown or inactive one."""
    found = await session.execute(_with_holder(AccessKey).where(AccessKey.access == access))
    row = found.one_or_none()
    if row is None or row[0].status not in (ACTIVE, ENDED):
        return None
    key, account, operator, granted = row
    return KnownCredential(
        principal=principal_of(key, account, operator, granted),
        expires_at=key.expires_at,
        requests_per_second=account.requests_per_second,
        secret=vault.open(key.secret_key_id, key.secret, key.access),
        security_token_hash=key.security_token_hash,
        revoked=key.status == ENDED,
    )


async def find_token(session: AsyncSession, token_hash: str) -> KnownCredential | None:
    """The token kept under that hash, expired and revoked ones too."""
    found = await session.execute(_with_holder(Token).where(Token.hash == token_hash))
    row = found.one_or_none()
    if row is None:
        return None
    token, account, operator, granted = row
    return KnownCredential(
        principal=principal_of(token, account, operator, granted),
        expires_at=token.expires_at,
        requests_per_second=account.requests_per_second,
        revoked=token.revoked_at is not None,
    )


def principal_of(
    credential: AccessKey | Token, account: Account, operator: Operator | None, granted: bool
) -> Principal | None:
    """For whom the credential speaks; None when its operator is disabled or its grant has ended."""
    if credential.operator_id and (operator is None or operator.status != ACTIVE):
        return None
    acting = credential.acting_partner_id
    if acting is not None and not (granted and may_be_assumed(account, acting)):
        return None
    return Principal(
        id=account.id,
        kind=account.kind,
        partner_id=account.partner_id,
        site=account.site,
        distributor_id=account.distributor_id,
        acting_for_partner=acting,
        operator_id=credential.operator_id,
        operator_role=operator.role if operator else None,
        permissions=frozenset(operator.permissions) if operator else frozenset(),
        login_name=operator.account_name if operator else account.account_name,
    )


def may_be_assumed(account: Account, partner_id: str) -> bool:
    """Whether the account is the partner's own associated resale customer."""
    return (
        account.kind == "customer"
        and account.partner_id == partner_id
        and account.association_status == ASSOCIATED
        and account.association_type in RESALE_TYPES
    )


def has_expired(known: KnownCredential, now: datetime) -> bool:
    """Permanent keys never do."""
    return known.expires_at is not None and known.expires_at <= now


def _with_holder(credential: Any) -> Select[Any]:
    granted = exists().where(
        Authorization.customer_id == credential.account_id,
        Authorization.partner_id == credential.acting_partner_id,
        Authorization.status == ACTIVE,
    )
    return (
        select(credential, Account, Operator, granted)
        .join(Account, Account.id == credential.account_id)
        .outerjoin(Operator, Operator.id == credential.operator_id)
    )
