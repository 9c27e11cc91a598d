"""Whatever is refused below `/ops` is told on a page, and every page leaves with its guards."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute

from chassis.errors import NotFoundError, RefusedError
from chassis.logs import note
from chassis.metrics import REFUSALS
from gateway.ops import texts
from gateway.ops.forms import Filled, ForeignFormError
from gateway.ops.sessions import NoConsoleError
from gateway.parts import parts_of

LANGUAGE_COOKIE = "channelbus_ops_language"
ADDRESS_CHARACTERS_MAX = 2000
PAGES_WITH_THEIR_FORM = frozenset({"/ops/sign-in", "/ops/replay-all", "/ops/positions"})
NO_PAGES = ("/ops/language", "/ops/live", "/ops/static/")
_GUARDS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
        " connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Vary": "Accept-Language, Cookie",
}

_WORDS: dict[type[RefusedError], str] = {
    NoConsoleError: "no_console",
    ForeignFormError: "form_too_old",
}

Handle = Callable[[Request], Coroutine[Any, Any, Response]]


class SignInNeededError(Exception):
    """Nobody is signed in, or no longer."""


class PageRoute(APIRoute):
    """A route whose refusals are pages."""

    def get_route_handler(self) -> Handle:
        """FastAPI."""
        handle = super().get_route_handler()

        async def handle_as_page(request: Request) -> Response:
            try:
                answer = await handle(request)
            except SignInNeededError:
                answer = RedirectResponse("/ops/sign-in", 303)
            except RequestValidationError:
                answer = refusal_page(request, NotFoundError())
            except RefusedError as refusal:
                answer = refusal_page(request, refusal)
            answer.headers.update(_GUARDS)
            return answer

        return handle_as_page


def page_address(request: Request) -> str:
    """Where the page that is shown can be asked for again: what a form answers stands on one."""
    path, query = request.url.path, request.url.query
    if request.method == "POST" and path not in PAGES_WITH_THEIR_FORM:
        return path.rpartition("/")[0]
    return f"{path}?{query}" if query else path


def address_to_go_back_to(given: str) -> str:
    """One of the console's own pages; the overview for whatever else was given."""
    own = given == "/ops" or given.startswith(("/ops/", "/ops?"))
    fine = len(given) <= ADDRESS_CHARACTERS_MAX and given.isascii() and given.isprintable()
    if not own or not fine or "\\" in given or given.startswith(NO_PAGES):
        return "/ops"
    return given


def page_language(request: Request) -> str:
    """By the switch, else by what the browser asks for."""
    accepted = request.headers.get("accept-language", "")
    return texts.language_of(request.cookies.get(LANGUAGE_COOKIE), accepted)


def refusal_page(request: Request, refusal: RefusedError, filled: Filled | None = None) -> Response:
    """The refusal's words in the reader's language; with what was typed, to send it again."""
    REFUSALS.labels(refusal.refusal_code).inc()
    note(code=refusal.refusal_code, detail=refusal.detail or None)
    console = parts_of(request).console
    language = page_language(request)
    own = _WORDS.get(type(refusal))
    words = texts.text(language, own) if own else refusal.message(language)
    code = refusal.refusal_code
    page = console.pages.page(
        "refused.html",
        language,
        here=page_address(request),
        words=words,
        code=code,
        filled=filled,
        action=request.url.path,
        csrf=filled.fields["csrf"] if filled else "",
    )
    return HTMLResponse(page, refusal.status)
