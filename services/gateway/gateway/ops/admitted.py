"""Who may see a page of the console, and who may decide on one; what the pages' doors share."""

from typing import Annotated

from fastapi import Depends, Request

from chassis.clock import WallNow
from chassis.logs import note
from gateway.ops.console import Console
from gateway.ops.forms import SESSION_COOKIE
from gateway.ops.page_route import SignInNeededError, page_language
from gateway.ops.sessions import NoConsoleError, NoDecisionError, Visitor
from gateway.parts import parts_of


def current_console(request: Request) -> Console:
    """The process's console."""
    return parts_of(request).console


CurrentConsole = Annotated[Console, Depends(current_console)]
Language = Annotated[str, Depends(page_language)]


async def signed_in(request: Request, console: CurrentConsole, now: WallNow) -> Visitor:
    """Who is signed in, whether or not it may see anything."""
    visitor = await console.sessions.visitor(request.cookies.get(SESSION_COOKIE), now)
    if visitor is None:
        raise SignInNeededError
    note(principal=visitor.principal.id, operator=visitor.principal.operator_id)
    return visitor


SignedIn = Annotated[Visitor, Depends(signed_in)]


async def current_visitor(visitor: SignedIn) -> Visitor:
    """Who is signed in and may see the console."""
    if not visitor.may_see:
        raise NoConsoleError
    return visitor


CurrentVisitor = Annotated[Visitor, Depends(current_visitor)]


async def deciding_visitor(visitor: CurrentVisitor) -> Visitor:
    """Who may not only look."""
    if not visitor.may_decide:
        raise NoDecisionError
    return visitor


DecidingVisitor = Annotated[Visitor, Depends(deciding_visitor)]
