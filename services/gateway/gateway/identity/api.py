"""Door of identity: the IAM calls of the official SDK, and the rate limit of a principal."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends, Header, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.answers import JsonAnswer
from chassis.clock import WallNow
from chassis.errors import BadFieldError
from chassis.identity import CurrentPrincipal, current_principal
from chassis.routes import Router
from gateway.identity.authenticate import Caller
from gateway.identity.create_access_key import create_access_key, find_holder
from gateway.identity.find_assumable import find_assumable
from gateway.identity.issue_temporary_key import TemporaryKey, exchange_key, key_by_token
from gateway.identity.issue_token import IssuedToken, exchange_token, sign_in
from gateway.identity.manage_access_keys import (
    change_access_key,
    delete_access_key,
    list_access_keys,
    show_access_key,
    user_of,
)
from gateway.identity.models import AccessKey, Account
from gateway.identity.requests import (
    ChangeAccessKey,
    CreateAccessKey,
    SecurityTokenRequest,
    SetRateLimit,
    TokenRequest,
)
from gateway.identity.set_rate_limit import RateLimitAnswer, set_rate_limit
from gateway.identity.show_token import iam_instant, revoke_token, show_token, token_body
from gateway.identity.temporary_credentials import (
    ListTemporaryCredentials,
    TemporaryCredentialsAnswer,
    end_temporary_credential,
    list_temporary_credentials,
)
from gateway.parts import CurrentParts
from gateway.received import client_address
from gateway.unless_gone import unless_gone

router = Router()


async def identity_session(parts: CurrentParts) -> AsyncIterator[AsyncSession]:
    """One transaction with rights on credentials, which requests' own role has not."""
    async with parts.database.transaction() as session:
        yield session


def current_caller(request: Request) -> Caller:
    """Who came through the outer door, with what proved it."""
    caller: Caller = request.scope["caller"]
    return caller


IdentitySession = Annotated[AsyncSession, Depends(identity_session, scope="function")]
SubjectToken = Annotated[str, Header(alias="X-Subject-Token")]


@router.post("/v3/auth/tokens")
async def post_token(
    asked: TokenRequest,
    request: Request,
    parts: CurrentParts,
    session: IdentitySession,
    now: WallNow,
) -> Response:
    """KeystoneCreateUserTokenByPassword, KeystoneCreateAgencyToken."""
    identity = asked.auth.identity
    if identity.methods == ["password"]:
        if identity.password is None:
            raise BadFieldError("auth.identity.password")
        address = client_address(request.scope, parts.settings.proxies)
        signing_in = sign_in(parts.database, parts.keyring, identity.password.user, address, now)
        return _token_answer(await unless_gone(request.receive, signing_in), 201)
    if identity.assume_role is None:
        raise BadFieldError("auth.identity.assume_role")
    await current_principal(request)  # or its refusal
    caller = current_caller(request)
    account = await find_assumable(parts.database, caller.principal, identity.assume_role)
    issued = await exchange_token(session, caller, account.id, now)
    return _token_answer(issued, 201)


@router.get("/v3/auth/tokens")
async def get_token(
    subject: SubjectToken, principal: CurrentPrincipal, session: IdentitySession, now: WallNow
) -> Response:
    """KeystoneValidateToken."""
    return _token_answer(await show_token(session, principal, subject, now), 200)


@router.delete("/v3/auth/tokens")
async def delete_token(
    subject: SubjectToken,
    principal: CurrentPrincipal,
    session: IdentitySession,
    parts: CurrentParts,
    now: WallNow,
) -> Response:
    """End a token before its time."""
    await revoke_token(session, parts.keyring, principal, subject, now)
    return Response(status_code=204)


@router.get("/v3/auth/domains")
async def get_domains(principal: CurrentPrincipal, session: IdentitySession) -> Response:
    """KeystoneListAuthDomains: the SDK asks for its account's id when it was not told."""
    account = await session.get(Account, principal.id)
    name = account.account_name if account else principal.id
    domain = {"id": principal.id, "name": name, "enabled": True, "description": ""}
    return JsonAnswer({"domains": [domain], "links": {"self": "/v3/auth/domains"}})


@router.post("/v3.0/OS-CREDENTIAL/credentials")
async def post_credential(
    asked: CreateAccessKey,
    principal: CurrentPrincipal,
    parts: CurrentParts,
    session: IdentitySession,
    now: WallNow,
) -> Response:
    """CreatePermanentAccessKey."""
    holder = await find_holder(parts.database, principal, asked.credential.user_id)
    description = asked.credential.description
    made = await create_access_key(session, parts.keyring, principal, holder, description, now)
    return JsonAnswer({"credential": {**_credential(made.key), "secret": made.secret}}, 201)


@router.get("/v3.0/OS-CREDENTIAL/credentials")
async def get_credentials(
    principal: CurrentPrincipal,
    parts: CurrentParts,
    session: IdentitySession,
    user_id: str | None = None,
) -> Response:
    """ListPermanentAccessKeys."""
    holder = await find_holder(parts.database, principal, user_id or None)
    keys = await list_access_keys(session, holder)
    return JsonAnswer({"credentials": [_credential(key) for key in keys]})


@router.get("/v3.0/OS-CREDENTIAL/credentials/{access}")
async def get_credential(
    access: str, principal: CurrentPrincipal, session: IdentitySession
) -> Response:
    """ShowPermanentAccessKey."""
    return JsonAnswer(
        {"credential": _credential(await show_access_key(session, principal, access))}
    )


@router.put("/v3.0/OS-CREDENTIAL/credentials/{access}")
async def put_credential(
    access: str,
    asked: ChangeAccessKey,
    principal: CurrentPrincipal,
    session: IdentitySession,
    parts: CurrentParts,
    now: WallNow,
) -> Response:
    """UpdatePermanentAccessKey."""
    key = await change_access_key(session, parts.keyring, principal, access, asked.credential, now)
    return JsonAnswer({"credential": _credential(key)})


@router.delete("/v3.0/OS-CREDENTIAL/credentials/{access}")
async def remove_credential(
    access: str,
    principal: CurrentPrincipal,
    session: IdentitySession,
    parts: CurrentParts,
    now: WallNow,
) -> Response:
    """DeletePermanentAccessKey."""
    await delete_access_key(session, parts.keyring, principal, access, now)
    return Response(status_code=204)


@router.post("/v3.0/OS-CREDENTIAL/securitytokens")
async def post_security_token(
    asked: SecurityTokenRequest,
    request: Request,
    principal: CurrentPrincipal,
    parts: CurrentParts,
    session: IdentitySession,
    now: WallNow,
) -> Response:
    """CreateTemporaryAccessKeyByAgency, CreateTemporaryAccessKeyByToken."""
    identity, caller = asked.auth.identity, current_caller(request)
    if identity.policy is not None:
        raise BadFieldError("auth.identity.policy", "narrower keys are not offered")
    if identity.methods == ["assume_role"]:
        if identity.assume_role is None:
            raise BadFieldError("auth.identity.assume_role")
        role = identity.assume_role
        account = await find_assumable(parts.database, principal, role)
        seconds = role.duration_seconds
        made = await exchange_key(session, parts.keyring, caller, account.id, seconds, now)
        return _temporary_answer(made)
    if identity.token is None:
        raise BadFieldError("auth.identity.token")
    own = request.headers.get("x-auth-token")
    made = await key_by_token(session, parts.keyring, caller, identity.token, own, now)
    return _temporary_answer(made)


@router.get("/api/temporary-credentials", response_model=TemporaryCredentialsAnswer)
async def get_temporary_credentials(
    wanted: Annotated[ListTemporaryCredentials, Query()],
    principal: CurrentPrincipal,
    session: IdentitySession,
    now: WallNow,
) -> Response:
    """Tokens and temporary keys that live."""
    return JsonAnswer(await list_temporary_credentials(session, principal, wanted, now))


@router.delete("/api/temporary-credentials/{credential_id}")
async def delete_temporary_credential(
    credential_id: str,
    principal: CurrentPrincipal,
    session: IdentitySession,
    parts: CurrentParts,
    now: WallNow,
) -> Response:
    """End one of them, and what was exchanged by it."""
    await end_temporary_credential(session, parts.keyring, principal, credential_id, now)
    return Response(status_code=204)


@router.put("/api/principals/{account_id}/rate-limit", response_model=RateLimitAnswer)
async def put_rate_limit(
    account_id: str,
    asked: SetRateLimit,
    principal: CurrentPrincipal,
    parts: CurrentParts,
    session: IdentitySession,
    now: WallNow,
) -> Response:
    """Requests per second and operation, by the administrator."""
    limit = asked.requests_per_second
    account = await set_rate_limit(
        parts.database, session, parts.keyring, principal, account_id, limit, now
    )
    return JsonAnswer(RateLimitAnswer.of(account))


def _token_answer(issued: IssuedToken, status: int) -> Response:
    answer = JsonAnswer(token_body(issued), status)
    answer.headers["X-Subject-Token"] = issued.text
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _temporary_answer(made: TemporaryKey) -> Response:
    assert made.key.expires_at is not None
    credential = {
        "access": made.key.access,
        "secret": made.secret,
        "securitytoken": made.security_token,
        "expires_at": iam_instant(made.key.expires_at),
    }
    return JsonAnswer({"credential": credential}, 201)


def _credential(key: AccessKey) -> dict[str, Any]:
    return {
        "access": key.access,
        "user_id": user_of(key),
        "status": key.status,
        "create_time": iam_instant(key.created_at),
        "description": key.description,
    }
