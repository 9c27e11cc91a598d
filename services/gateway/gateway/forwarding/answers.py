"""What leaves the gateway: its own refusals, and services' answers.

See docs/domain/wire-protocol.md D.3.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

import aiohttp
from starlette.types import Message, Send

from chassis.errors import RefusedError
from chassis.language import spoken_language, status_phrase
from chassis.logs import get_logger, note, request_id
from chassis.metrics import REFUSALS
from gateway.rate_limit import ThrottledError
from wire.json import dumps

log = get_logger(__name__)

# The server would answer 500 instead; whether the command was done must not be lost for a header.
_said_code = re.compile(rb'"(?:error_)?code": ?"([A-Z]+\.\d+)"').search
_can_be_sent = re.compile(rb"[\t\x20-\x7e\x80-\xff]*").fullmatch
Headers = Iterable[tuple[bytes, bytes]]
_PASSED_BACK = (
    "content-type",
    "x-request-id",
    "etag",
    "cache-control",
    "location",
    "link",
    "retry-after",
    "idempotency-replayed",
    "content-disposition",
)


class MethodError(RefusedError):
    """The path is there, with other methods."""

    code = "APIGW.0101"

    def __init__(self, allowed: list[str]):
        self.allowed = allowed
        super().__init__(status=HTTPStatus.METHOD_NOT_ALLOWED)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    async def send(self, send: Send) -> None:
        """ASGI."""
        headers = self.headers
        if self.status != HTTPStatus.NO_CONTENT:
            headers = [*headers, (b"content-length", str(len(self.body)).encode())]
        await send(
            {"type": "http.response.start", "status": self.status, "headers": headers},
        )
        await send({"type": "http.response.body", "body": self.body})


def refusal(error: RefusedError, headers: Headers, *, native: bool) -> Answer:
    """The refusal in the shape of the path: the vendor's, or a problem of RFC 9457 on ours."""
    REFUSALS.labels(error.refusal_code).inc()
    note(code=error.refusal_code, detail=error.detail or None)
    language = spoken_language(headers, is_ours=native)
    message = error.message(language)
    more = [(b"allow", ", ".join(error.allowed).encode())] if isinstance(error, MethodError) else []
    named = (b"x-request-id", request_id().encode("latin-1"))
    if not native:
        body = {
            "error_code": error.refusal_code,
            "error_msg": message,
            "request_id": request_id(),
        }
        sent = [(b"content-type", b"application/json"), named, *more]
        return Answer(error.status, sent, dumps(body))
    problem = {
        "type": "about:blank",
        "title": status_phrase(error.status, language),
        "status": error.status,
        "code": error.refusal_code,
        "detail": message,
        "instance": request_id(),
    }
    sent = [(b"content-type", b"application/problem+json"), named, *more]
    if isinstance(error, ThrottledError):
        sent += [(b"retry-after", b"1"), *_quota(error.limit, 0)]
    return Answer(error.status, sent, dumps(problem))


def _quota(limit: int, left: int) -> list[tuple[bytes, bytes]]:
    """RateLimit header fields, for one operation and second."""
    return [
        (b"ratelimit-policy", f'"caller";q={limit};w=1'.encode()),
        (b"ratelimit", f'"caller";r={left};t=1'.encode()),
    ]


def saying_quota(send: Send, limit: int, left: int) -> Send:
    """Say in the answer how many requests are left in this second."""

    async def send_with_quota(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *_quota(limit, left)]
        await send(message)

    return send_with_quota


def without_body(send: Send) -> Send:
    """An answer to HEAD: as GET would be answered, but for the body."""

    async def send_bodiless(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_bodiless


def note_refusal(status: int, begin: bytes) -> None:
    """Keep in the log under which code a service refused."""
    if status >= 400 and (said := _said_code(begin)):
        note(code=said[1].decode())


def forwarded_start(answer: aiohttp.ClientResponse, *, native: bool) -> Message:
    """The start of a service's answer: its status and the headers that are for the caller.

    A redirect would be a silent success for the SDK (docs/domain/wire-protocol.md D.4a.5); only our
    own paths know 304.
    """
    if 300 <= answer.status < 400 and not (native and answer.status == 304):
        log.error("a service redirected", status=answer.status)
        raise RefusedError(code="CBC.0999")
    headers = [
        (name.encode(), raw)
        for name in _PASSED_BACK
        if (value := answer.headers.get(name)) is not None
        and _can_be_sent(raw := value.encode("utf-8", "surrogateescape"))
    ]
    if answer.content_length is not None:
        headers.append((b"content-length", str(answer.content_length).encode()))
    return {"type": "http.response.start", "status": answer.status, "headers": headers}
