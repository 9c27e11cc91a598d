"""The console's pages below `/ops`. Nothing but the sign-in page is shown to who is not in."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sse_starlette import EventSourceResponse, ServerSentEvent

from chassis.clock import Now
from chassis.errors import RefusedError
from chassis.logs import note
from chassis.routes import Router
from gateway.forwarding.destinations import Service
from gateway.forwarding.rate_limit import ThrottledError
from gateway.forwarding.unless_gone import unless_gone
from gateway.identity.issue_token import WrongPasswordError
from gateway.identity.passwords import PasswordsBusyError
from gateway.ops.console import Console
from gateway.ops.decide_parked import ParkedDesk
from gateway.ops.forms import (
    SESSION_COOKIE,
    VISIT_COOKIE,
    Form,
    address_of,
    drop_cookie,
    keep_cookie,
)
from gateway.ops.page_route import (
    LANGUAGE_COOKIE,
    PageRoute,
    SignInNeededError,
    page_language,
    refusal_page,
)
from gateway.ops.peers import RefusedByServiceError
from gateway.ops.sessions import NoConsoleError, NoDecisionError, Visitor, csrf_of, new_session_id
from gateway.ops.texts import LANGUAGES
from wire.permissions import OPS_CONSOLE_ITEM, OPS_DECIDE_ITEM

SEND_SECONDS_MAX = 20.0

router = Router(prefix="/ops", include_in_schema=False, route_class=PageRoute)


def current_console(request: Request) -> Console:
    """The process's console."""
    console: Console = request.app.state.console
    return console


CurrentConsole = Annotated[Console, Depends(current_console)]
Language = Annotated[str, Depends(page_language)]


async def signed_in(request: Request, console: CurrentConsole, now: Now) -> Visitor:
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


def parked_desk(console: CurrentConsole, visitor: CurrentVisitor, service: Service) -> ParkedDesk:
    """The parked events of the service in the path."""
    return ParkedDesk(console.peers, console.database, visitor, service)


CurrentDesk = Annotated[ParkedDesk, Depends(parked_desk)]


async def deciding_desk(desk: CurrentDesk) -> ParkedDesk:
    """The same, for who may not only look."""
    if not desk.visitor.may_decide:
        raise NoDecisionError
    return desk


DecidingDesk = Annotated[ParkedDesk, Depends(deciding_desk)]


@router.get("")
async def overview(
    console: CurrentConsole,
    visitor: CurrentVisitor,
    language: Language,
    told: Literal["replayed", "edited", "skipped", "stuck"] | None = None,
    events: int = 0,
) -> Response:
    """The console, whole; what follows comes by `/ops/live`."""
    page = console.pages.page(
        "console.html",
        language,
        visitor=visitor,
        csrf=csrf_of(visitor.session_id),
        parts=await console.parts(language),
        told=told,
        events=events,
    )
    return HTMLResponse(page)


@router.get("/live")
async def live(console: CurrentConsole, visitor: CurrentVisitor, language: Language) -> Response:
    """The parts of the page as they change."""
    console.seats.check(visitor.who)

    async def changes() -> AsyncIterator[ServerSentEvent]:
        async for name, html in console.watch(visitor, language):
            yield ServerSentEvent(event=name, data=html)

    return EventSourceResponse(changes(), send_timeout=SEND_SECONDS_MAX, ping=15)


@router.get("/sign-in")
async def sign_in_page(
    request: Request, console: CurrentConsole, language: Language, now: Now
) -> Response:
    """Both ways to sign in."""
    visitor = await console.sessions.visitor(request.cookies.get(SESSION_COOKIE), now)
    if visitor is not None and visitor.may_see:
        return RedirectResponse("/ops", 303)
    return _sign_in_page(request, console, language)


@router.post("/sign-in")
async def sign_in(
    request: Request, console: CurrentConsole, language: Language, form: Form, now: Now
) -> Response:
    """Make a session, or say no without saying what was wrong."""
    sessions = console.sessions
    try:
        address = address_of(request)
        sessions.count(address, now)
        if form.get("way") == "token":
            session_id = await sessions.by_token(form.get("token", ""), address, now)
        else:
            account, operator = form.get("account", ""), form.get("operator", "")
            password = form.get("password", "")
            signing_in = sessions.by_password(account, operator, password, address, now)
            session_id = await unless_gone(request.receive, signing_in)
    except ThrottledError:
        return _sign_in_page(request, console, language, "too_many_sign_ins", 429)
    except PasswordsBusyError:
        return _sign_in_page(request, console, language, "too_many_sign_ins", 503)
    except NoConsoleError:
        return _sign_in_page(request, console, language, "no_console", 403)
    except WrongPasswordError:
        return _sign_in_page(request, console, language, "wrong_sign_in", 401)
    answer = RedirectResponse("/ops", 303)
    keep_cookie(request, answer, SESSION_COOKIE, session_id)
    drop_cookie(request, answer, VISIT_COOKIE)
    return answer


@router.post("/sign-out")
async def sign_out(
    request: Request, console: CurrentConsole, visitor: SignedIn, _form: Form, now: Now
) -> Response:
    """End the session."""
    await console.sessions.end(visitor, now)
    answer = RedirectResponse("/ops/sign-in", 303)
    drop_cookie(request, answer, SESSION_COOKIE)
    return answer


@router.get("/language")
async def language_switch(request: Request, to: Literal["zh", "en"]) -> Response:
    """Remember the language chosen."""
    assert to in LANGUAGES
    answer = RedirectResponse("/ops", 303)
    keep_cookie(request, answer, LANGUAGE_COOKIE, to)
    return answer


@router.get("/parked/{service}/{parked_id}")
async def parked_event(
    console: CurrentConsole, desk: CurrentDesk, language: Language, parked_id: int, now: Now
) -> Response:
    """A parked event with its error, and what can be done with it."""
    return _parked_page(console, desk, language, await desk.show(parked_id, now))


@router.post("/parked/{service}/{parked_id}/replay")
async def replay(
    request: Request, desk: DecidingDesk, _form: Form, parked_id: int, now: Now
) -> Response:
    """Replay the event's key."""
    event = await desk.show(parked_id, now)
    try:
        handled = await desk.replay(event)
    except RefusedByServiceError as refusal:
        return await _still_parked(request, desk, parked_id, refusal, now)
    return _told(request, "replayed", handled)


@router.post("/parked/{service}/{parked_id}/edit")
async def edit(
    request: Request, desk: DecidingDesk, form: Form, parked_id: int, now: Now
) -> Response:
    """Give the event another body, then replay its key."""
    event = await desk.show(parked_id, now)
    try:
        await desk.edit(parked_id, form.get("body", ""), form.get("reason", ""))
        handled = await desk.replay(event)
    except RefusedError as refusal:
        return await _still_parked(request, desk, parked_id, refusal, now)
    return _told(request, "edited", handled)


@router.post("/parked/{service}/{parked_id}/skip")
async def skip(
    request: Request, desk: DecidingDesk, form: Form, parked_id: int, now: Now
) -> Response:
    """Leave the event out; replay what waits behind it if the form says so."""
    event = await desk.show(parked_id, now)
    try:
        await desk.skip(parked_id, form.get("reason", ""))
    except RefusedError as refusal:
        return await _still_parked(request, desk, parked_id, refusal, now)
    handled = await desk.replay_rest(event) if form.get("rest") else 0
    return _told(request, "stuck") if handled is None else _told(request, "skipped", handled)


def _sign_in_page(
    request: Request, console: Console, language: str, wrong: str | None = None, status: int = 200
) -> Response:
    visit = request.cookies.get(VISIT_COOKIE) or new_session_id()
    page = console.pages.page(
        "sign_in.html", language, csrf=csrf_of(visit), wrong=wrong, item=OPS_CONSOLE_ITEM
    )
    answer = HTMLResponse(page, status)
    keep_cookie(request, answer, VISIT_COOKIE, visit)
    return answer


async def _still_parked(
    request: Request, desk: ParkedDesk, parked_id: int, refusal: RefusedError, now: datetime
) -> Response:
    """The event's page again, with what its service said."""
    if refusal.status == 404:
        return refusal_page(request, refusal)
    language = page_language(request)
    console = current_console(request)
    event = await desk.show(parked_id, now)
    if event["state"] != "waiting":  # it was handled, and the next of its key was refused
        return _told(request, "stuck")
    return _parked_page(console, desk, language, event, refusal.message(language), refusal.status)


def _told(request: Request, words: str, events: int = 0) -> Response:
    """Back to the console, which says what was done and shows what has come of it."""
    current_console(request).services.looks.outdate()
    return RedirectResponse(f"/ops?told={words}&events={events}", 303)


def _parked_page(
    console: Console,
    desk: ParkedDesk,
    language: str,
    event: dict[str, Any],
    refusal: str = "",
    status: int = 200,
) -> Response:
    page = console.pages.page(
        "parked_event.html",
        language,
        visitor=desk.visitor,
        csrf=csrf_of(desk.visitor.session_id),
        service=desk.service,
        event=event,
        refusal=refusal,
        decide_item=OPS_DECIDE_ITEM,
    )
    return HTMLResponse(page, status)
