"""Whose a token is, as IAM says it; told to its own principal and the administrator only."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.errors import NotFoundError
from chassis.identity import Principal
from gateway.identity.issue_token import IssuedToken
from gateway.identity.keyring import Keyring
from gateway.identity.lineage import end_below, token_name
from gateway.identity.minting import hash_of
from gateway.identity.models import Account, Operator, Token


def iam_instant(moment: datetime) -> str:
    """As IAM writes instants: microseconds and Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def token_body(issued: IssuedToken) -> dict[str, Any]:
    """The `token` object of IAM v3."""
    token, account, operator = issued.token, issued.account, issued.operator
    domain = {"id": account.id, "name": account.account_name}
    user_id = operator.id if operator else account.id
    user_name = operator.account_name if operator else account.account_name
    body: dict[str, Any] = {
        "methods": [token.method],
        "issued_at": iam_instant(token.issued_at),
        "expires_at": iam_instant(token.expires_at),
        "domain": domain,
        "user": {"id": user_id, "name": user_name, "domain": domain, "password_expires_at": ""},
        "roles": [{"id": "0", "name": account.kind}],
        "catalog": [],
    }
    if token.acting_partner_id is not None:
        by = {"id": token.acting_partner_id, "name": token.acting_partner_id}
        body["assumed_by"] = {"user": {**by, "domain": by, "password_expires_at": ""}}
    return {"token": body}


async def show_token(
    session: AsyncSession, principal: Principal, text: str, now: datetime
) -> IssuedToken:
    """The token of that text; one that is not the caller's own does not exist for it."""
    found = await session.execute(
        select(Token, Account, Operator)
        .join(Account, Account.id == Token.account_id)
        .outerjoin(Operator, Operator.id == Token.operator_id)
        .where(Token.hash == hash_of(text), Token.revoked_at.is_(None), Token.expires_at > now)
    )
    row = found.one_or_none()
    if row is None or not _may_see(principal, row.Token):
        raise NotFoundError
    return IssuedToken(text, row.Token, row.Account, row.Operator)


async def revoke_token(
    session: AsyncSession, keyring: Keyring, principal: Principal, text: str, now: datetime
) -> None:
    """End a token, and all that was exchanged by it, before its time."""
    issued = await show_token(session, principal, text, now)
    issued.token.revoked_at = now
    await session.flush()
    await end_below(session, [token_name(issued.token.hash)])
    audit.record(session, principal, "token.revoke", issued.account.id, now)
    keyring.end_after_commit(session, issued.account.id)


def _may_see(principal: Principal, token: Token) -> bool:
    """Its own, for a partner also those with which it acts and those of its operators."""
    if principal.is_administrator:
        return True
    if principal.operator_id is not None and principal.operator_id != token.operator_id:
        return False
    if principal.acting_for_partner is not None:
        acting = (token.account_id, token.acting_partner_id)
        return acting == (principal.id, principal.acting_for_partner)
    return principal.id in (token.acting_partner_id, token.account_id)
