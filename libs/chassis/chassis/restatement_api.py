"""Restatements over HTTP: `POST` asks for them, `GET` shows their progress; the administrator's."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Annotated

from fastapi import Query, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.answers import JsonAnswer
from chassis.clock import WallNow
from chassis.identity import CurrentPrincipal, Principal, WrongPrincipalError
from chassis.parts import application_of
from chassis.restatement import list_restatements, outbox_ends, request_restatement
from chassis.routes import Router

restatement_router = Router(prefix="/internal/restatements", include_in_schema=False)

IDS_MAX = 100
Ids = Annotated[Sequence[Annotated[int, Field(ge=1)]], Query(max_length=IDS_MAX)]


class Wanted(BaseModel):
    """Which aggregates; all when none is named."""

    aggregates: list[str] = []


def _transaction(request: Request) -> AbstractAsyncContextManager[AsyncSession]:
    """Bus work, in the role of the bus: no request reads the chassis's own tables."""
    return application_of(request.scope).parts.database.transaction()


def _administrator(principal: Principal) -> Principal:
    if not principal.is_administrator:
        raise WrongPrincipalError("restatements are the administrator's")
    return principal


@restatement_router.post("")
async def ask(
    request: Request, principal: CurrentPrincipal, now: WallNow, wanted: Wanted
) -> Response:
    """Ask for aggregates to be stated again; they follow in the background."""
    restaters = application_of(request.scope).running.restaters
    who = _administrator(principal)
    async with _transaction(request) as session:
        ids = await request_restatement(session, restaters, who, now, wanted.aggregates)
    return JsonAnswer({"restatements": ids}, 202)


@restatement_router.get("")
async def progress(request: Request, principal: CurrentPrincipal, ids: Ids = ()) -> Response:
    """The newest restatements, or those asked for, how far they are, and what is yet to be sent.

    The outbox is read after them: what they have stated by then lies below its newest id.
    """
    _administrator(principal)
    async with _transaction(request) as session:
        known = await list_restatements(session, ids)
        return JsonAnswer({"restatements": known, "outbox": await outbox_ends(session)})
