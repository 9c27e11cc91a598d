"""Tokens and temporary keys that still live: listed and ended by those whose they are."""

from datetime import datetime
from typing import Any

from pydantic import Field
from sqlalchemy import ColumnElement, Select, literal, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.cursors import cursor_after, keys_after
from chassis.errors import BadFieldError, NotFoundError
from chassis.identity import Principal, WrongPrincipalError
from gateway.identity.find_credential import ACTIVE, ENDED
from gateway.identity.keyring import Keyring
from gateway.identity.lineage import end_below, key_name, token_name
from gateway.identity.models import AccessKey, Token
from wire.native import NativeAnswer
from wire.types import NativeQuery

PAGE_CREDENTIALS = 50
CREDENTIALS = "temporary-credentials"
PAGE_CREDENTIALS_MAX = 200


class ListTemporaryCredentials(NativeQuery):
    """Whose, for the administrator, who must say it; `after` is the `next` of the page before."""

    account_id: str | None = Field(None, min_length=1, max_length=64)
    after: str | None = None
    limit: int = Field(PAGE_CREDENTIALS, ge=1, le=PAGE_CREDENTIALS_MAX)


class TemporaryCredentialAnswer(NativeAnswer):
    """A token or temporary key; the secret itself is never shown again."""

    id: str
    kind: str
    account_id: str
    operator_id: str | None
    acting_for_partner: str | None
    issued_at: datetime
    expires_at: datetime


class TemporaryCredentialsAnswer(NativeAnswer):
    """A page of them; `next` goes into `after` for the next page, null on the last one."""

    credentials: list[TemporaryCredentialAnswer]
    next: str | None


async def list_temporary_credentials(
    session: AsyncSession, principal: Principal, wanted: ListTemporaryCredentials, now: datetime
) -> TemporaryCredentialsAnswer:
    """The page in the order of their ids, and the cursor of the next one.

    The id of a token is the hash under which it is kept: nothing can be proved by it.
    """
    if principal.is_administrator and wanted.account_id is None:
        raise BadFieldError("account_id", "whose credentials")
    account_id = wanted.account_id if principal.is_administrator else principal.id
    living = union_all(
        _living(Token, Token.hash, now).where(*_own(Token, principal, account_id)),
        _living(AccessKey, AccessKey.access, now).where(*_own(AccessKey, principal, account_id)),
    ).subquery()
    asked = select(living).order_by(living.c.id).limit(wanted.limit + 1)
    if wanted.after is not None:
        asked = asked.where(living.c.id > keys_after(CREDENTIALS, wanted.after)[0])
    found = [TemporaryCredentialAnswer.of(row) for row in (await session.execute(asked)).all()]
    page = found[: wanted.limit]
    more = len(found) > wanted.limit
    following = cursor_after(CREDENTIALS, page[-1].id) if more else None
    return TemporaryCredentialsAnswer(credentials=page, next=following)


async def end_temporary_credential(
    session: AsyncSession, keyring: Keyring, principal: Principal, one_id: str, now: datetime
) -> None:
    """End a token or temporary key, and all that was exchanged by it.

    Raises:
        NotFoundError: there is none that lives, or it is another's.

    """
    account_id = None if principal.is_administrator else principal.id
    tables: list[tuple[Any, Any, str]] = [
        (Token, Token.hash, token_name(one_id)),
        (AccessKey, AccessKey.access, key_name(one_id)),
    ]
    for table, key, name in tables:
        living = _living(table, key, now).where(key == one_id, *_own(table, principal, account_id))
        if (await session.execute(living)).first() is None:
            continue
        found = await session.get_one(table, one_id, with_for_update=True)
        if isinstance(found, Token):
            found.revoked_at = now
        else:
            found.status = ENDED
        await session.flush()
        await end_below(session, [name])
        audit.record(
            session, principal, "credential.end", found.account_id, now, kind=name.partition(":")[0]
        )
        keyring.end_after_commit(
            session, found.account_id, found.operator_id, found.acting_partner_id
        )
        return
    raise NotFoundError(one_id)


def _living(table: Any, key: Any, now: datetime) -> Select[Any]:
    is_token = table is Token
    stands = Token.revoked_at.is_(None) if is_token else AccessKey.status == ACTIVE
    return select(
        key.label("id"),
        literal("token" if is_token else "temporary_key").label("kind"),
        table.account_id,
        table.operator_id,
        table.acting_partner_id.label("acting_for_partner"),
        (Token.issued_at if is_token else AccessKey.created_at).label("issued_at"),
        table.expires_at,
    ).where(stands, table.expires_at > now)


def _own(table: Any, principal: Principal, account_id: str | None) -> list[ColumnElement[bool]]:
    """The account's own and those by which it acts or somebody acts for it; an operator's own.

    Somebody who acts for a customer holds a borrowed credential and sees none.
    """
    if principal.acting_for_partner is not None:
        raise WrongPrincipalError
    if account_id is None:
        return []
    mine = [or_(table.account_id == account_id, table.acting_partner_id == account_id)]
    if not principal.is_whole_account:
        mine.append(table.operator_id == principal.operator_id)
    return mine
