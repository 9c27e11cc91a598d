"""A process's connections for SQLAlchemy: renewed as a whole, and given back when they are idle."""

import asyncio
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Pool
from sqlalchemy.event import listen
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import greenlet_spawn

from chassis.connecting import Connector
from wire.json import dumps, loads

LOAN_WAIT_SECONDS_MAX = 10  # for a connection, while all are lent out
IDLE_SECONDS_MAX = 60.0  # then what was not needed is closed


@dataclass(slots=True)
class Generation:
    """Which connections of a process may be lent: those made since it was renewed last."""

    number: int = 0

    def renew(self, seen: int) -> None:
        """Lend nothing again that is open; `seen` is the generation that was found useless.

        Several find it out at once: only the first one's word counts.
        """
        if self.number == seen:
            self.number += 1


class ConnectionPool:
    """An engine whose pool shrinks to what was lent at once in the last minute.

    The overflow is kept as long, too. SQLAlchemy closes such a connection when it comes back: with
    a few more requests at once than the pool is large, every second payment opened one.
    """

    def __init__(self, connector: Connector, size: int, overflow: int, generation: Generation):
        self._generation = generation
        self._lent_at_most = 0  # at once, since the last look
        self._look: asyncio.TimerHandle | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self.engine: AsyncEngine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=connector.connect,
            pool_size=size + overflow,
            max_overflow=0,
            pool_timeout=LOAN_WAIT_SECONDS_MAX,
            pool_use_lifo=True,  # what is not needed lies idle, and is closed
            hide_parameters=True,  # names and phones: not in logs, not in what a parked event shows
            json_serializer=lambda value: dumps(value).decode(),
            json_deserializer=loads,  # fractions come back as Decimal, not as float
        )
        listen(self.engine.sync_engine, "connect", self._connected)
        listen(self.engine.sync_engine, "checkout", self._lent)

    def _connected(self, _driver: Any, record: Any) -> None:
        record.info["generation"] = self._generation.number

    def _lent(self, connection: Any, record: Any, _loan: Any) -> None:
        is_old = record.info["generation"] != self._generation.number
        if is_old or connection.driver_connection.is_closed():
            raise DisconnectionError("the server ended it, or is not ours")  # so it connects again
        connection.driver_connection.opening = None  # of a transaction that asked nothing
        self._lent_at_most = max(self._lent_at_most, self._pool.checkedout())
        if self._look is None:
            self._look_later()

    @property
    def _pool(self) -> Any:
        return self.engine.pool

    def _look_later(self) -> None:
        loop = asyncio.get_running_loop()
        self._look = loop.call_later(IDLE_SECONDS_MAX, self._give_back)

    def _give_back(self) -> None:
        """Begin again with none when some were never needed; those in use come back in time."""
        self._look = None
        pool, needed, self._lent_at_most = self._pool, self._lent_at_most, 0
        if pool.checkedout():
            self._lent_at_most = pool.checkedout()
        elif needed < pool.checkedin():
            self.engine.sync_engine.dispose(close=False)
            self._close_later(pool)
            return
        self._look_later()

    def _close_later(self, pool: Pool) -> None:
        closing = asyncio.create_task(_close(pool))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    def replace(self, grace_seconds: float) -> None:
        """Begin again with none; those that are lent are closed when they come back, in time."""
        pool = self._pool
        self.engine.sync_engine.dispose(close=False)
        self._close_later(pool)
        if pool.checkedout():
            asyncio.get_running_loop().call_later(grace_seconds, self._close_later, pool)

    async def close(self) -> None:
        """Give all connections back."""
        if self._look is not None:
            self._look.cancel()
        await asyncio.gather(*self._closing)
        await self.engine.dispose()


async def _close(pool: Pool) -> None:
    await greenlet_spawn(pool.dispose)
