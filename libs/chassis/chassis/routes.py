"""The routes of every service: a JSON body is bounded, and read by `wire.json.read` alone."""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, get_args

from fastapi import APIRouter, Depends, Request, Response, params
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel

from chassis.authority import guard_of, rule_of
from chassis.errors import BadFieldError, RefusedError
from wire.json import BODY_BYTES_MAX, BULK_BODY_BYTES_MAX, LIST_BODY_BYTES_MAX, read
from wire.native_routes import rows_of_door


class BodyTooLargeError(RefusedError):
    """More bytes than a request of this kind can need."""

    code = "CBC.0100"

    def __init__(self) -> None:
        super().__init__("body", status=413)


async def read_json(raw: bytes) -> Any:
    """What a caller wrote.

    Raises:
        BadFieldError: it is no JSON that `wire.json.read` takes.

    """
    try:
        if len(raw) > BODY_BYTES_MAX:  # takes longer than others should wait
            return await asyncio.to_thread(read, raw)
        return read(raw)
    except ValueError as error:
        raise BadFieldError("body", str(error)) from None


class BoundedRequest(Request):
    """A request whose body has an end, and one meaning."""

    body_bytes_max = LIST_BODY_BYTES_MAX

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The body's pieces; refused as soon as it is known to be too large."""
        announced = self.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > self.body_bytes_max:
            raise BodyTooLargeError
        size = 0
        async for piece in super().stream():
            size += len(piece)
            if size > self.body_bytes_max:
                raise BodyTooLargeError
            yield piece

    async def json(self) -> Any:
        """The body as a value; FastAPI asks for it here."""
        return await read_json(await self.body())


class Route(APIRoute):
    """A route whose requests are bounded."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI."""
        handle = super().get_route_handler()
        is_native = self.path.startswith("/api/")
        known = _query_fields(self.dependant) if is_native else {}
        rows = [row for method in self.methods or () for row in rows_of_door(method, self.path)]
        bytes_max = max((LIST_BODY_BYTES_MAX, *(row.body_bytes_max for row in rows)))
        if self.path.startswith("/internal/"):
            bytes_max = BULK_BODY_BYTES_MAX

        async def handle_bounded(request: Request) -> Response:
            if is_native:
                check_native_query(request.query_params.multi_items(), known)
            bounded = BoundedRequest(request.scope, request.receive)
            bounded.body_bytes_max = bytes_max
            return await handle(bounded)

        return handle_bounded


def _query_fields(dependant: Dependant) -> dict[str, Any]:
    """The annotation of each parameter that the route's query may have, by its name."""
    known: dict[str, Any] = {}
    for inner in dependant.dependencies:
        known |= _query_fields(inner)
    for field in dependant.query_params:
        annotation = field.field_info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            for name, part in annotation.model_fields.items():
                known[part.alias or name] = part.annotation
        else:
            known[field.alias] = annotation
    return known


def check_native_query(given: Iterable[tuple[str, str]], known: Mapping[str, Any]) -> None:
    """Refuse what the route does not know, what is empty, and numbers that only Python reads.

    Raises:
        BadFieldError: with the parameter's name.

    """
    for name, value in given:
        if name not in known:
            raise BadFieldError(name, "no such parameter")
        if value == "":
            raise BadFieldError(name, "empty")
        kinds = {known[name], *get_args(known[name])}
        if kinds & {int, float, Decimal} and not (bool in kinds or _is_number(value)):
            raise BadFieldError(name, "not a number")


_is_number = re.compile(r"-?\d{1,30}(\.\d{1,30})?", re.ASCII).fullmatch


class GuardedRoute(Route):
    """A route of the vendor's or our own that lets in whom its table names.

    Our own answers with the status that the table names (`chassis.idempotency`).
    """

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        methods: Iterable[str],
        dependencies: Sequence[params.Depends] | None = None,
        status_code: int | None = None,
        **given: Any,
    ):
        (method,) = methods
        guards = list(dependencies or ())
        rule = rule_of(method, path)
        if rule is not None:
            status_code = rule.answers
            guard = Depends(guard_of(rule))
            guards = [guard, *(one for one in guards if one.dependency is not guard.dependency)]
        super().__init__(
            path, endpoint, methods=[method], dependencies=guards, status_code=status_code, **given
        )


class Router(APIRouter):
    """What every door collects its routes in."""

    def __init__(self, **given: Any):
        super().__init__(**{"route_class": GuardedRoute, **given})
