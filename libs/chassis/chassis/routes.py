"""The routes of every service: a JSON body is bounded, and read by `wire.json.read` alone."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from chassis.errors import BadFieldError, RefusedError
from wire.json import BODY_BYTES_MAX, LIST_BODY_BYTES_MAX, read


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

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The body's pieces; refused as soon as it is known to be too large."""
        announced = self.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > LIST_BODY_BYTES_MAX:
            raise BodyTooLargeError
        size = 0
        async for piece in super().stream():
            size += len(piece)
            if size > LIST_BODY_BYTES_MAX:
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

        async def handle_bounded(request: Request) -> Response:
            return await handle(BoundedRequest(request.scope, request.receive))

        return handle_bounded


class Router(APIRouter):
    """What every door collects its routes in."""

    def __init__(self, **given: Any):
        super().__init__(**{"route_class": Route, **given})
