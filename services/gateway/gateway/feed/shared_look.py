"""Work that many wait for is done once for all of them, and not at all while nobody waits."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")


class SharedLook(Generic[T]):
    """At most one look is under way, and between two of them lies the pause."""

    def __init__(self, look: Callable[[], Awaitable[T]], pause_seconds: float):
        self._look = look
        self._pause_seconds = pause_seconds
        self._looked_at = float("-inf")
        self._task: asyncio.Task[T] | None = None
        self.latest: T | None = None

    async def next(self) -> T:
        """What a look finds that ends after this call; whoever gives up leaves it to the others."""
        return await asyncio.shield(self._under_way())

    async def fresh(self) -> T:
        """The latest finding if it is no older than two pauses, else a new one."""
        age_seconds = time.monotonic() - self._looked_at
        if self.latest is None or age_seconds > 2 * self._pause_seconds:
            return await self.next()
        return self.latest

    def glance(self) -> T | None:
        """The latest finding at once; sees to it that a newer one is on its way."""
        self._under_way()
        return self.latest

    def outdate(self) -> None:
        """What was found is no longer so: the next who asks waits for a new look."""
        self.latest = None
        self._looked_at = float("-inf")

    async def close(self) -> None:
        """End what is under way."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._task

    def _under_way(self) -> asyncio.Task[T]:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look_after_pause())
            self._task.add_done_callback(_note)
        return self._task

    async def _look_after_pause(self) -> T:
        pause = self._looked_at + self._pause_seconds - time.monotonic()
        if pause > 0:
            await asyncio.sleep(pause)
        try:
            self.latest = await self._look()
        finally:
            self._looked_at = time.monotonic()
        return self.latest


def _note(task: asyncio.Task[T]) -> None:
    """Who waited hears the failure; where nobody waited any more, nobody needs to."""
    if not task.cancelled():
        task.exception()
