"""A lasting connection to a database, for what tests ask again and again beside their own work.

A thread, a loop and a connection for each statement took longer than the statement itself.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import cache
from typing import Any, TypeVar

import asyncpg

THREAD = "statements"
END_SECONDS = 10.0
_LOST = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError)

Result = TypeVar("Result")


class Statements:
    """Runs single statements from any thread, whether or not a loop runs there."""

    def __init__(self, url: str):
        self._url = url
        self._connection: asyncpg.Connection | None = None
        self._one_at_a_time = asyncio.Lock()

    def execute(self, statement: str) -> None:
        """Run it outside a transaction."""
        self._do(lambda connection: connection.execute(statement))

    def fetch(self, query: str, *values: Any) -> list[asyncpg.Record]:
        """The rows."""
        return self._do(lambda connection: connection.fetch(query, *values))

    def close(self) -> None:
        """Leave the server."""
        asyncio.run_coroutine_threadsafe(self._close(), _loop()).result()

    def _do(self, work: Callable[[asyncpg.Connection], Awaitable[Result]]) -> Result:
        async def do() -> Result:
            async with self._one_at_a_time:
                return await work(await self._whole())

        return asyncio.run_coroutine_threadsafe(do(), _loop()).result()

    async def _whole(self) -> asyncpg.Connection:
        """The connection; another one where the server was ended and started since."""
        if self._connection is not None:
            try:
                await self._connection.execute("SELECT 1")
            except _LOST:
                self._connection.terminate()
            else:
                return self._connection
        self._connection = await asyncpg.connect(self._url)
        return self._connection

    async def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*_LOST):
                await connection.close(timeout=END_SECONDS)


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """The one loop of all of them; its thread ends with the process."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name=THREAD, daemon=True).start()
    return loop
