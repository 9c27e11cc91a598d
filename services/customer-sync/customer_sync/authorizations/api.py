"""The door to authorizations: the native API."""

from typing import Annotated

from fastapi import Query, Response

from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.routes import Router
from customer_sync.authorizations.decide_authorization import Decision, decide_authorization
from customer_sync.authorizations.list_authorizations import (
    ListAuthorizations,
    list_authorizations,
)
from customer_sync.authorizations.native_answers import (
    AuthorizationAnswer,
    AuthorizationsAnswer,
    native_authorization,
)
from customer_sync.authorizations.request_authorization import request_authorization

router = Router()


@router.post("/api/customers/{customer_id}/authorizations", response_model=AuthorizationAnswer)
async def ask(
    customer_id: str,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
) -> Response:
    """Ask the customer for an authorization."""
    authorization = await request_authorization(session, principal, customer_id, now)
    return await idempotency.answer(native_authorization(authorization))


@router.post(
    "/api/authorizations/{authorization_id}/{decision}", response_model=AuthorizationAnswer
)
async def decide(
    authorization_id: str,
    decision: Decision,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
) -> Response:
    """Grant, refuse or terminate."""
    decided = await decide_authorization(session, principal, authorization_id, decision, now)
    return await idempotency.answer(native_authorization(decided))


@router.get("/api/authorizations", response_model=AuthorizationsAnswer)
async def authorizations(
    wanted: Annotated[ListAuthorizations, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
) -> Response:
    """Authorizations by customer and status."""
    page, following = await list_authorizations(session, principal, wanted)
    shown = [native_authorization(authorization) for authorization in page]
    return JsonAnswer(AuthorizationsAnswer(authorizations=shown, next=following))
