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
from gateway.ops.console import Console
from gateway.ops.forms import ForeignFormError
from gateway.ops.sessions import NoConsoleError

LANGUAGE_COOKIE = "channelbus_ops_language"
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


def page_language(request: Request) -> str:
    """By the switch, else by what the browser asks for."""
    accepted = request.headers.get("accept-language", "")
    return texts.language_of(request.cookies.get(LANGUAGE_COOKIE), accepted)


def refusal_page(request: Request, refusal: RefusedError) -> Response:
    """The refusal's words in the reader's language."""
    REFUSALS.labels(refusal.refusal_code).inc()
    note(code=refusal.refusal_code, detail=refusal.detail or None)
    console: Console = request.app.state.console
    language = page_language(request)
    own = _WORDS.get(type(refusal))
    words = texts.text(language, own) if own else refusal.message(language)
    code = refusal.refusal_code
    page = console.pages.page("refused.html", language, words=words, code=code)
    return HTMLResponse(page, refusal.status)
