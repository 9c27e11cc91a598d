"""Door of identity: the IAM calls of the official SDK, and the rate limit of a principal."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends, Header, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import Database
from chassis.errors import BadFieldError
from chassis.identity import CurrentPrincipal, current_principal
from chassis.routes import Router
from gateway.forwarding.received import client_address
from gateway.forwarding.unless_gone import unless_gone
from gateway.identity.authenticate import Caller
from gateway.identity.create_access_key import create_access_key, find_holder
from gateway.identity.find_assumable import find_assumable
from gateway.identity.issue_temporary_key import TemporaryKey, exchange_key, key_by_token
from gateway.identity.issue_token import IssuedToken, exchange_token, sign_in
from gateway.identity.keyring import Keyring
from gateway.identity.manage_access_keys import (
    change_access_key,
    delete_access_key,
    list_access_keys,
    show_access_key,
    user_of,
)
from gateway.identity.models import AccessKey, Account
from gateway.identity.requests import (
    CredentialChange,
    CredentialRequest,
    RateLimitRequest,
    SecurityTokenRequest,
    TokenRequest,
)
from gateway.identity.set_rate_limit import set_rate_limit
from gateway.identity.show_token import iam_instant, revoke_token, show_token, token_body
from gateway.identity.temporary_credentials import (
    TemporaryCredentialsWanted,
    end_temporary_credential,
    list_temporary_credentials,
)

router = Router()


async def database_of(request: Request) -> Database:
    """For what must not hold a connection while it waits."""
    database: Database = request.app.state.database
    return database


CurrentDatabase = Annotated[Database, Depends(database_of)]


async def identity_session(database: CurrentDatabase) -> AsyncIterator[AsyncSession]:
    """One transaction with rights on credentials, which requests' own role has not."""
    async with database.transaction() as session:
        yield session


async def keyring_of(request: Request) -> Keyring:
    """The process's keyring."""
    keyring: Keyring = request.app.state.keyring
    return keyring


def current_caller(request: Request) -> Caller:
    """Who came through the outer door, with what proved it."""
    caller: Caller = request.scope["caller"]
    return caller


IdentitySession = Annotated[AsyncSession, Depends(identity_session, scope="function")]
CurrentKeyring = Annotated[Keyring, Depends(keyring_of)]
SubjectToken = Annotated[str, Header(alias="X-Subject-Token")]


@router.post("/v3/auth/tokens")
async def post_token(
    asked: TokenRequest,
    request: Request,
    database: CurrentDatabase,
    session: IdentitySession,
    keyring: CurrentKeyring,
    now: Now,
) -> Response:
    """KeystoneCreateUserTokenByPassword, KeystoneCreateAgencyToken."""
    identity = asked.auth.identity
    if identity.methods == ["password"]:
        if identity.password is None:
            raise BadFieldError("auth.identity.password")
        address = client_address(request.scope, request.app.state.settings.proxies)
        signing_in = sign_in(database, keyring, identity.password.user, address, now)
        return _token_answer(await unless_gone(request.receive, signing_in), 201)
    if identity.assume_role is None:
        raise BadFieldError("auth.identity.assume_role")
    await current_principal(request)  # or its refusal
    caller = current_caller(request)
    account = await find_assumable(database, caller.principal, identity.assume_role)
    issued = await exchange_token(session, caller, account.id, now)
    return _token_answer(issued, 201)


@router.get("/v3/auth/tokens")
async def get_token(
    subject: SubjectToken, principal: CurrentPrincipal, session: IdentitySession, now: Now
) -> Response:
    """KeystoneValidateToken."""
    return _token_answer(await show_token(session, principal, subject, now), 200)


@router.delete("/v3/auth/tokens")
async def delete_token(
    subject: SubjectToken,
    principal: CurrentPrincipal,
    session: IdentitySession,
    keyring: CurrentKeyring,
    now: Now,
) -> Response:
    """End a token before its time."""
    await revoke_token(session, keyring, principal, subject, now)
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
    asked: CredentialRequest,
    principal: CurrentPrincipal,
    database: CurrentDatabase,
    session: IdentitySession,
    keyring: CurrentKeyring,
    now: Now,
) -> Response:
    """CreatePermanentAccessKey."""
    holder = await find_holder(database, principal, asked.credential.user_id)
    description = asked.credential.description
    made = await create_access_key(session, keyring, principal, holder, description, now)
    return JsonAnswer({"credential": {**_credential(made.key), "secret": made.secret}}, 201)


@router.get("/v3.0/OS-CREDENTIAL/credentials")
async def get_credentials(
    principal: CurrentPrincipal,
    database: CurrentDatabase,
    session: IdentitySession,
    user_id: str | None = None,
) -> Response:
    """ListPermanentAccessKeys."""
    holder = await find_holder(database, principal, user_id or None)
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
    asked: CredentialChange,
    principal: CurrentPrincipal,
    session: IdentitySession,
    keyring: CurrentKeyring,
    now: Now,
) -> Response:
    """UpdatePermanentAccessKey."""
    key = await change_access_key(session, keyring, principal, access, asked.credential, now)
    return JsonAnswer({"credential": _credential(key)})


@router.delete("/v3.0/OS-CREDENTIAL/credentials/{access}")
async def remove_credential(
    access: str,
    principal: CurrentPrincipal,
    session: IdentitySession,
    keyring: CurrentKeyring,
    now: Now,
) -> Response:
    """DeletePermanentAccessKey."""
    await delete_access_key(session, keyring, principal, access, now)
    return Response(status_code=204)


@router.post("/v3.0/OS-CREDENTIAL/securitytokens")
async def post_security_token(
    asked: SecurityTokenRequest,
    request: Request,
    principal: CurrentPrincipal,
    database: CurrentDatabase,
    session: IdentitySession,
    keyring: CurrentKeyring,
    now: Now,
) -> Response:
    """CreateTemporaryAccessKeyByAgency, CreateTemporaryAccessKeyByToken."""
    identity, caller = asked.auth.identity, current_caller(request)
    if identity.policy is not None:
        raise BadFieldError("auth.identity.policy", "narrower keys are not offered")
    if identity.methods == ["assume_role"]:
        if identity.assume_role is None:
            raise BadFieldError("auth.identity.assume_role")
        role = identity.assume_role
        account = await find_assumable(database, principal, role)
        seconds = role.duration_seconds
        made = await exchange_key(session, keyring, caller, account.id, seconds, now)
        return _temporary_answer(made)
    if identity.token is None:
        raise BadFieldError("auth.identity.token")
    own = request.headers.get("x-auth-token")
    made = await key_by_token(session, keyring, caller, identity.token, own, now)
    return _temporary_answer(made)


@router.get("/api/temporary-credentials")
async def get_temporary_credentials(
    wanted: Annotated[TemporaryCredentialsWanted, Query()],
    principal: CurrentPrincipal,
    session: IdentitySession,
    now: Now,
) -> Response:
    """Tokens and temporary keys that live."""
    page, after = await list_temporary_credentials(session, principal, wanted, now)
    return JsonAnswer({"credentials": page, "next": after})


@router.delete("/api/temporary-credentials/{credential_id}")
async def delete_temporary_credential(
    credential_id: str,
    principal: CurrentPrincipal,
    session: IdentitySession,
    keyring: CurrentKeyring,
    now: Now,
) -> Response:
    """End one of them, and what was exchanged by it."""
    await end_temporary_credential(session, keyring, principal, credential_id, now)
    return Response(status_code=204)


@router.put("/api/principals/{account_id}/rate-limit")
async def put_rate_limit(
    account_id: str,
    asked: RateLimitRequest,
    principal: CurrentPrincipal,
    database: CurrentDatabase,
    session: IdentitySession,
    keyring: CurrentKeyring,
    now: Now,
) -> Response:
    """Requests per second and operation, by the administrator."""
    limit = asked.requests_per_second
    account = await set_rate_limit(database, session, keyring, principal, account_id, limit, now)
    return JsonAnswer({"id": account.id, "requests_per_second": account.requests_per_second})


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
