"""Commands that move money of one partner wait here for each other, and not at its account's row.

At the row each would hold a connection meanwhile: 64 clients of one partner would leave none to
anybody else, and some of them would find none within ten seconds.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

AT_ONCE_MAX = 4  # commands of one partner account that have a transaction, of this process


class Turns:
    """One queue for each account of which somebody waits or acts now."""

    def __init__(self) -> None:
        self._queues: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, account_id: str) -> AsyncIterator[None]:
        """Wait until fewer than so many act for it; those who came first go first."""
        queue = self._queues.get(account_id)
        if queue is None:
            queue = self._queues[account_id] = asyncio.Semaphore(AT_ONCE_MAX)
        async with queue:
            yield
