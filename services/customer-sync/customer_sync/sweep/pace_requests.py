"""The upstream's quota, shared exactly by all replicas through the database.

See docs/domain/wire-protocol.md D.5.

There are as many slots as requests are allowed in a second. A request holds one from before it is
sent until a second after it was answered: so of any eleven requests the last arrives more than a
second after the first, however long each of them was on its way.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime

from sqlalchemy import text

from chassis.database import Database

WINDOW_SECONDS = 1.0
HOLD_SECONDS = 30.0  # longer than any request takes; how long a killed replica's slot is lost
WAIT_STEP_SECONDS = 0.02

_TAKE = text("""
    UPDATE upstream_slots SET free_at = clock_timestamp() + make_interval(secs => :hold)
    WHERE slot = (SELECT slot FROM upstream_slots
                  WHERE slot < :slots AND free_at <= clock_timestamp()
                  ORDER BY free_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING slot, free_at
""")
_GIVE_BACK = text("""
    UPDATE upstream_slots SET free_at = clock_timestamp() + make_interval(secs => :window)
    WHERE slot = :slot AND free_at = :held_until
""")


class UpstreamPace:
    """Call it around each request to the upstream."""

    def __init__(self, database: Database, requests_per_second: int):
        self._database = database
        self._slots = requests_per_second

    def __call__(self) -> AbstractAsyncContextManager[None]:
        """Wait for a slot and hold it."""
        return self._slot()

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        slot, held_until = await self._take()
        try:
            yield
        except asyncio.CancelledError:  # the request may still be on its way: let the hold run out
            raise
        except BaseException:
            await self._give_back(slot, held_until)
            raise
        await self._give_back(slot, held_until)

    async def _take(self) -> tuple[int, datetime]:
        while True:
            async with self._database.transaction() as session:
                given = {"hold": HOLD_SECONDS, "slots": self._slots}
                taken = (await session.execute(_TAKE, given)).first()
            if taken is not None:
                return taken.slot, taken.free_at
            await asyncio.sleep(WAIT_STEP_SECONDS)

    async def _give_back(self, slot: int, held_until: datetime) -> None:
        async with self._database.transaction() as session:
            given = {"window": WINDOW_SECONDS, "slot": slot, "held_until": held_until}
            await session.execute(_GIVE_BACK, given)
