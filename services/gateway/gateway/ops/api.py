"""The console's pages below `/ops`. Nothing but the sign-in page is shown to who is not in."""

from collections.abc import AsyncIterator
from typing import Literal

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sse_starlette import EventSourceResponse, ServerSentEvent

from chassis.clock import WallNow
from chassis.routes import Router
from gateway.identity.issue_token import WrongPasswordError
from gateway.identity.passwords import PasswordsBusyError
from gateway.ops.admitted import CurrentConsole, CurrentVisitor, Language, SignedIn
from gateway.ops.console import Console
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
    address_to_go_back_to,
    page_address,
)
from gateway.ops.sessions import NoConsoleError, csrf_of, new_session_id
from gateway.ops.texts import LANGUAGES
from gateway.rate_limit import ThrottledError
from gateway.unless_gone import unless_gone
from wire.permissions import OPS_CONSOLE_ITEM

SEND_SECONDS_MAX = 20.0

Told = Literal["replayed", "edited", "skipped", "stuck", "many", "stepped_over"]

router = Router(prefix="/ops", include_in_schema=False, route_class=PageRoute)


@router.get("")
@router.get("/")
async def overview(
    request: Request,
    console: CurrentConsole,
    visitor: CurrentVisitor,
    language: Language,
    told: Told | None = None,
    events: int = 0,
    keys: int = 0,
    failing: int = 0,
) -> Response:
    """The console, whole; what follows comes by `/ops/live`."""
    page = console.pages.page(
        "console.html",
        language,
        here=page_address(request),
        visitor=visitor,
        csrf=csrf_of(visitor.session_id),
        parts=await console.parts(language),
        told=told,
        told_of=(events, keys, failing),
    )
    return HTMLResponse(page)


@router.get("/live")
async def live(console: CurrentConsole, visitor: CurrentVisitor, language: Language) -> Response:
    """The parts of the page as they change."""
    console.seats.check(visitor.who)

    async def changes() -> AsyncIterator[ServerSentEvent]:
        async for name, html in console.watch(visitor, language):
            yield ServerSentEvent(event=name, data=html)

    stream = EventSourceResponse(
        changes(),
        send_timeout=SEND_SECONDS_MAX,
        ping=15,
        # Told to stop, the library would break it off at once; it ends whole with its seat.
        shutdown_grace_period=SEND_SECONDS_MAX,
    )
    # Whoever looks again does so by a new connection: this one may lead to a process that ends.
    stream.headers["Connection"] = "close"
    return stream


@router.get("/sign-in")
async def sign_in_page(
    request: Request, console: CurrentConsole, language: Language, now: WallNow
) -> Response:
    """Both ways to sign in."""
    visitor = await console.sessions.visitor(request.cookies.get(SESSION_COOKIE), now)
    if visitor is not None and visitor.may_see:
        return RedirectResponse("/ops", 303)
    return _sign_in_page(request, console, language)


@router.post("/sign-in")
async def sign_in(
    request: Request, console: CurrentConsole, language: Language, form: Form, now: WallNow
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
    request: Request, console: CurrentConsole, visitor: SignedIn, _form: Form, now: WallNow
) -> Response:
    """End the session."""
    await console.sessions.end(visitor, now)
    answer = RedirectResponse("/ops/sign-in", 303)
    drop_cookie(request, answer, SESSION_COOKIE)
    return answer


@router.get("/language")
async def language_switch(
    request: Request, to: Literal["zh", "en"], back: str = "/ops"
) -> Response:
    """Remember the language chosen, and show the same page in it."""
    assert to in LANGUAGES
    answer = RedirectResponse(address_to_go_back_to(back), 303)
    keep_cookie(request, answer, LANGUAGE_COOKIE, to)
    return answer


@router.get("/{page:path}/")
async def closed_by_a_slash(request: Request) -> Response:
    """A page's address with a slash behind it is the page's."""
    here = request.url.path.rstrip("/")
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"{here}{query}", 308)


def _sign_in_page(
    request: Request, console: Console, language: str, wrong: str | None = None, status: int = 200
) -> Response:
    visit = request.cookies.get(VISIT_COOKIE) or new_session_id()
    page = console.pages.page(
        "sign_in.html",
        language,
        here=page_address(request),
        csrf=csrf_of(visit),
        wrong=wrong,
        item=OPS_CONSOLE_ITEM,
    )
    answer = HTMLResponse(page, status)
    keep_cookie(request, answer, VISIT_COOKIE, visit)
    return answer
