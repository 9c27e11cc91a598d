"""The floor of a payment: the statements of a real one by asyncpg, in the same transactions.

Three processes like the real ones: order's asks voucher's and billing's by aiohttp. Each replays
what its service said to PostgreSQL when one order was paid, with the ids of another; it decides
nothing, reads no answer and checks no signature.
"""

import asyncio
import os
import pickle
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import asyncpg
from fastapi import FastAPI, Request, Response

from benchmarks.orders_load import Statement

PATH = "/pay"
POOL_MAX = 20
HEX_ID = re.compile(r"[0-9a-f]{32}")
Transaction = list[Statement]


def load_script() -> tuple[list[Statement], dict[str, str], frozenset[str]]:
    """What was recorded, the ids that it names, and those that every payment shares."""
    return pickle.loads(Path(os.environ["SCRIPT"]).read_bytes())  # type: ignore[no-any-return]


def transactions(statements: Sequence[Statement]) -> list[Transaction]:
    """In their order, each with its statements."""
    return [list(found) for _, found in groupby(statements, key=lambda one: one.transaction)]


async def replay(
    pool: asyncpg.Pool, script: Sequence[Transaction], ids: Mapping[str, str],
    shared: frozenset[str],
) -> None:  # fmt: skip
    """One transaction after another; ids that a payment draws are drawn anew."""
    known = dict(ids)
    for statements in script:
        opening, *others = statements
        async with pool.acquire() as connection:
            await connection.execute(_text(opening.sql, known, shared))  # begins the transaction
            for one in others:
                told = [_changed(value, known, shared) for value in one.parameters]
                try:
                    await connection.fetch(one.sql, *told)
                except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                    raise ValueError(f"{one.service}: {one.sql} {told}: {error}") from error
            await connection.execute("COMMIT")


def _changed(value: Any, known: dict[str, str], shared: frozenset[str]) -> Any:
    if isinstance(value, UUID):
        return uuid4()
    if isinstance(value, bytes):
        return _text(value.decode(), known, shared).encode()
    return _text(value, known, shared) if isinstance(value, str) else value


def _text(value: str, known: dict[str, str], shared: frozenset[str]) -> str:
    if HEX_ID.fullmatch(value) and value not in shared:
        return known.setdefault(value, uuid4().hex)
    for old, new in known.items():
        value = value.replace(old, new)
    return value


def peer(service: str) -> FastAPI:
    """Voucher's or billing's part: one transaction."""
    statements, _, shared = load_script()
    script = transactions([one for one in statements if one.service == service])
    app = _app()

    @app.post(PATH)
    async def part(request: Request) -> Response:
        await replay(request.app.state.pool, script, await request.json(), shared)
        return Response(b"{}", media_type="application/json")

    return app


def order() -> FastAPI:
    """Order's part: what comes before its peers are asked, and what comes after."""
    statements, _, shared = load_script()
    first = next(place for place, one in enumerate(statements) if one.service != "order")
    mine = [(place, one) for place, one in enumerate(statements) if one.service == "order"]
    before = transactions([one for place, one in mine if place < first])
    after = transactions([one for place, one in mine if place > first])
    app = _app()

    @app.post(PATH)
    async def pay(request: Request) -> Response:
        ids, pool = await request.json(), request.app.state.pool
        await replay(pool, before, ids, shared)
        for url in (os.environ["VOUCHER_FLOOR"], os.environ["BILLING_FLOOR"]):
            async with request.app.state.client.post(url + PATH, json=ids) as answer:
                assert answer.status == 200, await answer.text()
                await answer.read()
        await replay(pool, after, ids, shared)
        return Response(status_code=204)

    return app


voucher, billing = partial(peer, "voucher"), partial(peer, "billing")


def _app() -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        pool = asyncpg.create_pool(os.environ["DATABASE"], min_size=5, max_size=POOL_MAX)
        async with pool as app.state.pool, aiohttp.ClientSession() as app.state.client:
            yield

    app = FastAPI(lifespan=lifespan, openapi_url=None)

    @app.exception_handler(Exception)
    async def failed(_: Request, error: Exception) -> Response:
        return Response(repr(error), 500)  # whoever measures is told what is wrong with the floor

    @app.get("/readyz")
    async def ready() -> Response:
        await asyncio.sleep(0)
        return Response()

    return app
