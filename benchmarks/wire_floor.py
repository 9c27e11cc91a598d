"""The floors of the wire benchmark, each a process of its own; told all by their environment."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp
import asyncpg
from fastapi import FastAPI, Request, Response

from benchmarks.wire_rig import COUNT, READ
from wire.json import dumps
from wire.signature import parse_authorization, verify

PATH = "/v2/partners/sub-customers/query"
JSON = "application/json"


def bare() -> FastAPI:
    """A route that answers the same bytes."""
    app, page = _app(), os.environ["PAGE"].encode()

    @app.post(PATH)
    async def answer() -> Response:
        return Response(page, media_type=JSON)

    return app


def rows() -> FastAPI:
    """A route that reads the same rows by asyncpg."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with asyncpg.create_pool(os.environ["DATABASE"], min_size=5, max_size=20) as pool:
            app.state.pool = pool
            yield

    app, partner = _app(lifespan), os.environ["PARTNER"]

    @app.post(PATH)
    async def answer(request: Request) -> Response:
        async with request.app.state.pool.acquire() as connection:
            found = await connection.fetch(READ, partner)
            count = await connection.fetchval(COUNT, partner)
        page = {"count": int(count), "customer_infos": [dict(row) for row in found]}
        return Response(dumps(page), media_type=JSON)

    return app


def floor() -> FastAPI:
    """A gateway that does nothing but verify the signature and forward."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with aiohttp.ClientSession() as client:
            app.state.client = client
            yield

    app, secret, url = _app(lifespan), os.environ["SECRET"], os.environ["ROWS"] + PATH

    @app.post(PATH)
    async def forward(request: Request) -> Response:
        scope, body = request.scope, await request.body()
        given = parse_authorization(request.headers["authorization"])
        verify(
            given, "POST", scope["raw_path"], scope["query_string"], scope["headers"], body,
            secret, datetime.now(UTC),
        )  # fmt: skip
        async with request.app.state.client.post(url, data=body) as answer:
            return Response(await answer.read(), answer.status, media_type=JSON)

    return app


def _app(lifespan: Any = None) -> FastAPI:
    app = FastAPI(lifespan=lifespan, openapi_url=None)

    @app.get("/readyz")
    async def ready() -> Response:
        return Response()

    return app
