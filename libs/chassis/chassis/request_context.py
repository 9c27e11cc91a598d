"""What surrounds each request: its names, the bounds of its head, its end, its measure."""

import asyncio
import re
import time
from http import HTTPMethod
from uuid import UUID

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils.compat import uuid7

from chassis.error_answers import refusal_answer
from chassis.errors import BadFieldError, OutsideError, RefusedError
from chassis.logs import enter_request, get_logger, write_request
from chassis.metrics import REQUESTS
from chassis.parts import Running

log = get_logger(__name__)

REQUEST_ID_CHARACTERS_MAX = 128
_is_request_id = re.compile(r"[A-Za-z0-9][\w.:/+=@-]{0,127}", re.ASCII).fullmatch
_is_host = re.compile(r"(?:[\w.~%-]*|\[[0-9A-Fa-f:.]+\])(?::\d{0,5})?", re.ASCII).fullmatch
CALLER_GONE = 499  # nginx's number for it
PATH_CHARACTERS_SHOWN = 200
ENDING = "this process ends"
_PROBED = frozenset({"/livez", "/readyz", "/metrics"})  # asked every few seconds
_METHODS = frozenset(HTTPMethod)  # whatever else a client sends is one label, not one each


class UnknownExpectationError(RefusedError):
    """Something else than `100-continue` is expected of us."""

    code = "CBC.0100"

    def __init__(self) -> None:
        super().__init__("Expect", status=417)


class RequestContext:
    """Names each request for logs and traces, answers with `X-Request-Id`, measures it.

    Nothing that fails inside is raised any further while it can still be answered: the server would
    close the connection, and the next request on it would fail for no reason of its own.
    """

    def __init__(self, app: ASGIApp, running: Running, log_share: float):
        self._app = app
        self._running = running
        self._log_share = log_share

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        request_id = _only(headers, b"x-request-id") or ""
        if not _is_request_id(request_id):
            request_id = new_request_id()
        enter_request(request_id, _only(headers, b"traceparent"))
        begun = time.perf_counter()
        status = 0

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                others = [pair for pair in message["headers"] if pair[0].lower() != b"x-request-id"]
                message["headers"] = [*others, (b"x-request-id", request_id.encode())]
                if self._running.ending:  # the next request goes to another replica
                    message["headers"].append((b"connection", b"close"))
            await send(message)

        try:
            _check_head(scope["http_version"], headers)
            await self._app(scope, receive, send_named)
        except asyncio.CancelledError:
            if self._running.ending and not status:  # and this took longer than it may
                await _answer(OutsideError(ENDING), scope)(scope, receive, send_named)
            raise
        except Exception as error:
            if status:
                raise  # half an answer: the connection ends with it
            await _answer(error, scope)(scope, receive, send_named)
        finally:
            self._tell(scope, status, time.perf_counter() - begun)

    def _tell(self, scope: Scope, status: int, elapsed: float) -> None:
        """To the metrics and the log; a caller that left before its answer has status 499 there."""
        route = getattr(scope.get("route"), "path", "unrouted")
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        REQUESTS.labels(route, method, str(status or 500)).observe(elapsed)
        if route in _PROBED and status < 400:
            return
        client = scope.get("client")
        facts = {"method": method, "route": route, "status": status or CALLER_GONE}
        if route == "unrouted":
            facts["path"] = scope["path"][:PATH_CHARACTERS_SHOWN]
        facts["ms"] = round(elapsed * 1000, 1)
        facts["address"] = client[0] if client else ""
        write_request(facts, share=self._log_share)


def new_request_id() -> str:
    """32 hexadecimal digits, in order of time."""
    fresh: UUID = uuid7()
    return fresh.hex


def _only(headers: list[tuple[bytes, bytes]], name: bytes) -> str | None:
    """A header's value, if it came once."""
    values = [value for key, value in headers if key == name]
    return values[0].decode("latin-1") if len(values) == 1 else None


def _check_head(http_version: str, headers: list[tuple[bytes, bytes]]) -> None:
    """Refuse what HTTP/1.1 forbids and its parser lets through (RFC 9112 3.2, RFC 9110 10.1.1)."""
    hosts = 0
    for name, value in headers:
        if name == b"host":
            hosts += 1
            if hosts > 1 or not _is_host(value.decode("latin-1")):
                raise BadFieldError("Host")
        elif name == b"expect" and value.lower() != b"100-continue":
            raise UnknownExpectationError
    if not hosts and http_version == "1.1":
        raise BadFieldError("Host")


def _answer(error: Exception, scope: Scope) -> ASGIApp:
    request = Request(scope)
    if isinstance(error, RefusedError):
        return refusal_answer(request, error)
    log.error("failed", exc_info=error, path=scope["path"][:PATH_CHARACTERS_SHOWN])
    return refusal_answer(request, RefusedError(code="CBC.0999"))
