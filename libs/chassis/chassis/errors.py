"""Refusals: how a use case says no, and how the caller hears it.

On the vendor's paths the body is `{"error_code", "error_msg"}` (domain.md D.3); on ours (`/api`,
`/internal`) it is a problem of RFC 9457 with the same code.
"""

from http import HTTPStatus
from typing import ClassVar

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from chassis.answers import JsonAnswer
from chassis.logs import get_logger, request_id
from chassis.metrics import REFUSALS
from wire.breach import BreachError
from wire.codes import code as code_of
from wire.types import error_of

log = get_logger(__name__)


class RefusedError(Exception):
    """The rules forbid what was asked. Nothing was written.

    A subclass names the refusal and gives its code of domain.md D.4; status and text in both
    languages come from `wire.codes`. `detail` adds what the reader needs to mend the request, in
    English; `detail_zh` says it in Chinese, where it is more than a name or a number.
    """

    code: ClassVar[str] = "CBC.0155"

    def __init__(
        self,
        detail: str = "",
        *,
        detail_zh: str = "",
        code: str | None = None,
        status: int | None = None,
    ):
        self.refusal_code = code or self.code
        self.status = status or code_of(self.refusal_code).status
        self.detail = detail
        self.detail_zh = detail_zh or detail
        super().__init__(f"{self.refusal_code} {detail}".strip())

    def message(self, language: str) -> str:
        """The code's text in the language asked for, and the detail."""
        known = code_of(self.refusal_code)
        chinese = language.lower().startswith("zh")
        text, detail = (known.zh, self.detail_zh) if chinese else (known.en, self.detail)
        return f"{text} {detail}".strip() if detail else text


class NotFoundError(RefusedError):
    """No such thing, or not the caller's."""

    code = "CHB.0404"


class BadFieldError(RefusedError):
    """A field is malformed, missing, too long or out of range (CBC.0100)."""

    code = "CBC.0100"

    def __init__(self, field: str, detail: str = ""):
        self.field = field
        super().__init__(f"{field}: {detail}" if detail else field)


class UnknownValueError(BadFieldError):
    """The field is well-formed, but there is no such value (CBC.0101)."""

    code = "CBC.0101"


class OutsideError(RefusedError):
    """Another service did not answer in time; the request may be sent again."""

    code = "CHB.0503"


def _language(request: Request) -> str:
    return request.headers.get("x-language", "en_us")


def refusal_answer(request: Request, refusal: RefusedError) -> Response:
    """The refusal in the shape the caller's path speaks."""
    REFUSALS.labels(refusal.refusal_code).inc()
    message = refusal.message(_language(request))
    if not request.url.path.startswith(("/api/", "/internal/")):
        body: dict[str, object] = {"error_code": refusal.refusal_code, "error_msg": message}
        return JsonAnswer(body, status_code=refusal.status)
    problem = {
        "type": "about:blank",
        "title": HTTPStatus(refusal.status).phrase,
        "status": refusal.status,
        "code": refusal.refusal_code,
        "detail": message,
        "refusal_detail": refusal.detail,
        "instance": request_id(),
    }
    return JsonAnswer(problem, refusal.status, media_type="application/problem+json")


def install_error_answers(app: FastAPI) -> None:
    """Every way to fail gets one documented answer; what nobody foresaw is 500 CBC.0999."""

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, RefusedError)
        log.info("refused", code=error.refusal_code, detail=error.detail)
        return refusal_answer(request, error)

    async def malformed(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError | ValidationError)
        code, field = error_of(error.errors())
        return refusal_answer(request, RefusedError(field, code=code))

    async def breached(request: Request, error: Exception) -> Response:
        assert isinstance(error, BreachError)
        refusal = RefusedError(error.breach.field, code=error.breach.code)
        return refusal_answer(request, refusal)

    async def unrouted(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == HTTPStatus.BAD_REQUEST:  # FastAPI's word for a body it cannot read
            return refusal_answer(request, BadFieldError("body"))
        code = "APIGW.0101" if error.status_code in (404, 405) else "CBC.0155"
        return refusal_answer(request, RefusedError(code=code, status=error.status_code))

    async def unforeseen(request: Request, error: Exception) -> Response:
        log.error("failed", exc_info=error, path=request.url.path)
        return refusal_answer(request, RefusedError(code="CBC.0999"))

    app.add_exception_handler(RefusedError, refused)
    app.add_exception_handler(RequestValidationError, malformed)
    app.add_exception_handler(BreachError, breached)
    app.add_exception_handler(HTTPException, unrouted)
    app.add_exception_handler(Exception, unforeseen)
