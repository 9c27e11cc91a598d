"""How the caller hears a refusal or a failure.

On the vendor's paths the body is `{"error_code", "error_msg"}` (docs/domain/wire-protocol.md D.3);
on ours (`/api`, `/internal`) it is a problem of RFC 9457 with the same code.
"""

from collections.abc import Sequence
from http import HTTPMethod, HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

from chassis.answers import JsonAnswer
from chassis.errors import BadFieldError, OutsideError, RefusedError
from chassis.failures import DatabaseAwayError
from chassis.language import spoken_language, status_phrase
from chassis.logs import get_logger, note, request_id
from chassis.metrics import REFUSALS
from chassis.parts import application_of
from wire.breach import BreachError
from wire.codes import ENGLISH
from wire.types import error_of

log = get_logger(__name__)


def refusal_answer(request: Request, refusal: RefusedError) -> Response:
    """The refusal in the shape the caller's path speaks."""
    if not _knows_503(request.url.path) and refusal.refusal_code == OutsideError.code:
        refusal = RefusedError(refusal.detail, code="CBC.0999")
    REFUSALS.labels(refusal.refusal_code).inc()
    note(code=refusal.refusal_code, detail=refusal.detail or None)
    path = request.url.path
    language = spoken_language(request.scope["headers"], is_ours=_is_ours(path))
    message = refusal.message(language)
    if not _is_ours(path):
        body = {"error_code": refusal.refusal_code, "error_msg": message, **refusal.beside}
        return JsonAnswer(body, status_code=refusal.status)
    problem = {
        "type": "about:blank",
        "title": status_phrase(refusal.status, language),
        "status": refusal.status,
        "code": refusal.refusal_code,
        "detail": message,
        "refusal_detail": refusal.detail if language == ENGLISH else refusal.detail_zh,
        "instance": request_id(),
    }
    if path.startswith("/internal/"):  # one service's word to another, for callers of any language
        problem |= {"refusal_detail": refusal.detail, "refusal_detail_zh": refusal.detail_zh}
    return JsonAnswer(problem, refusal.status, media_type="application/problem+json")


def _is_ours(path: str) -> bool:
    return path.startswith(("/api/", "/internal/"))


def allowed_methods(routes: Sequence[BaseRoute], scope: Scope) -> list[str]:
    """The methods that a path has among the routes, as `Allow` says them."""
    return [
        method.value
        for method in HTTPMethod
        if method is not HTTPMethod.OPTIONS
        and any(
            route.matches({**scope, "method": method.value})[0] is Match.FULL for route in routes
        )
    ]


def _other_method(request: Request) -> Response:
    """405 and its `Allow`; who asks by OPTIONS is told the same."""
    methods = allowed_methods(application_of(request.scope).routes, request.scope)
    if request.method == HTTPMethod.OPTIONS:
        answer = Response(status_code=HTTPStatus.NO_CONTENT)
    else:
        answer = refusal_answer(request, RefusedError(code="APIGW.0101", status=405))
    answer.headers["Allow"] = ", ".join([*methods, "OPTIONS"])
    return answer


def _knows_503(path: str) -> bool:
    """Ours do, and so does IAM; the vendor's BSS says 500 CBC.0999 when a part of it is away."""
    return _is_ours(path) or path.startswith(("/v3/auth/", "/v3.0/"))


def _of_no_bytes(request: Request, errors: Sequence[Any]) -> Sequence[Any]:
    """What an empty object would lack, where no bytes came: the SDK sends none for it.

    See docs/domain/wire-protocol.md D.4a.4.
    """
    body = getattr(request.scope.get("route"), "body_field", None)
    first = errors[0]
    if body is None or (first["type"], tuple(first["loc"])) != ("missing", ("body",)):
        return errors
    _, lacking = body.validate({}, loc=("body",))
    return lacking or errors


def away_error(path: str) -> RefusedError:
    """The database is away: CHB.0503 on our paths, CBC.0999 on the vendor's, which know no 503."""
    return OutsideError() if _is_ours(path) else RefusedError(code="CBC.0999")


def install_error_answers(app: FastAPI) -> None:
    """Every way to fail gets one documented answer.

    What nobody foresaw is 500 CBC.0999, by `chassis.request_context`.
    """

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, RefusedError)
        return refusal_answer(request, error)

    async def malformed(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError | ValidationError)
        code, field = error_of(_of_no_bytes(request, error.errors()))
        return refusal_answer(request, RefusedError(field, code=code))

    async def breached(request: Request, error: Exception) -> Response:
        assert isinstance(error, BreachError)
        refusal = RefusedError(error.breach.field, code=error.breach.code)
        return refusal_answer(request, refusal)

    async def unrouted(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if isinstance(error.__cause__, RefusedError):  # FastAPI wraps what reading a body raised
            return await refused(request, error.__cause__)
        if error.status_code == HTTPStatus.BAD_REQUEST:  # FastAPI's word for a body it cannot read
            return refusal_answer(request, BadFieldError("body"))
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            return _other_method(request)
        code = "APIGW.0101" if error.status_code == HTTPStatus.NOT_FOUND else "CBC.0155"
        return refusal_answer(request, RefusedError(code=code, status=error.status_code))

    async def away(request: Request, error: Exception) -> Response:
        log.warning("database away", error=str(error), path=request.url.path)
        return refusal_answer(request, away_error(request.url.path))

    app.add_exception_handler(RefusedError, refused)
    app.add_exception_handler(RequestValidationError, malformed)
    app.add_exception_handler(BreachError, breached)
    app.add_exception_handler(HTTPException, unrouted)
    app.add_exception_handler(DatabaseAwayError, away)
