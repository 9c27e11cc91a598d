"""Restatements over HTTP: `POST` asks for them, `GET` shows their progress; the administrator's."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.identity import CurrentPrincipal, Principal, WrongPrincipalError
from chassis.restatement import list_restatements, request_restatement

restatement_router = APIRouter(prefix="/internal/restatements")


class Wanted(BaseModel):
    """Which aggregates; all when none is named."""

    aggregates: list[str] = []


def _administrator(principal: Principal) -> Principal:
    if not principal.is_administrator:
        raise WrongPrincipalError("restatements are the administrator's")
    return principal


@restatement_router.post("")
async def ask(
    request: Request, session: HttpSession, principal: CurrentPrincipal, now: Now, wanted: Wanted
) -> Response:
    """Ask for aggregates to be stated anew; they follow in the background."""
    restaters = request.app.state.restaters
    who = _administrator(principal)
    ids = await request_restatement(session, restaters, who, now, wanted.aggregates)
    return JsonAnswer({"restatements": ids}, 202)


@restatement_router.get("")
async def progress(session: HttpSession, principal: CurrentPrincipal) -> Response:
    """The newest restatements and how far they are."""
    _administrator(principal)
    return JsonAnswer({"restatements": await list_restatements(session)})
