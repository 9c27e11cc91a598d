"""The newest position: readers that wait for more share one look at the table."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select

from chassis.database import Database
from chassis.identity import Principal
from gateway.feed.models import FeedHorizon
from gateway.feed.shared_look import SharedLook
from gateway.portfolio.models import FeedRow

LOOK_PAUSE_SECONDS = 0.25
# Who comes beyond them is answered at once, so that nobody takes the seats of others.
READERS_WAITING_MAX = 200
READERS_OF_ONE_MAX = 10  # of one account
READERS_OF_A_TENANT_MAX = 50  # of a partner with its customers


@dataclass(frozen=True, slots=True)
class Head:
    """Which feed this is and how far it goes."""

    feed_id: UUID
    position: int


class FeedWatch:
    """One per process.

    A position is visible only when all before it are: the projection writes under one lock that it
    holds until its commit. So whatever lies at or below the head can be read without gaps.
    """

    def __init__(self, database: Database):
        self._database = database
        self._heads = SharedLook(self.head, LOOK_PAUSE_SECONDS)
        self._waiting: Counter[str] = Counter()
        self._waits = set[asyncio.Timeout]()
        self._ending = False

    def end_waits(self) -> None:
        """Answer who waits now, and let nobody wait any more: the process ends."""
        self._ending = True
        for wait in self._waits:
            wait.reschedule(asyncio.get_running_loop().time())

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """End what is under way when the process ends."""
        yield
        await self._heads.close()

    async def head(self) -> Head:
        """The newest position now; read past row-level security, which hides other tenants'."""
        newest = select(func.max(FeedRow.position)).scalar_subquery()
        known = func.greatest(func.coalesce(newest, 0), FeedHorizon.pruned_through)
        async with self._database.transaction() as session:
            row = (await session.execute(select(FeedHorizon.feed_id, known))).one()
        return Head(row[0], row[1])

    async def beyond(self, principal: Principal, position: int, until: float) -> Head | None:
        """The head once it is beyond the position; None at `until`, a monotonic instant.

        None at once where too many wait already, and when the process ends.
        """
        seats = {
            "all": READERS_WAITING_MAX,
            f"tenant {principal.partner_id}": READERS_OF_A_TENANT_MAX,
            f"account {principal.id}": READERS_OF_ONE_MAX,
        }
        if self._ending or any(self._waiting[name] >= most for name, most in seats.items()):
            return None
        self._waiting.update(seats.keys())
        wait = asyncio.timeout(max(until - time.monotonic(), 0))
        try:
            async with wait:
                self._waits.add(wait)
                while (head := await self._heads.next()).position <= position:
                    pass
                return head
        except TimeoutError:
            return None
        finally:
            self._waits.discard(wait)
            self._waiting -= Counter(seats.keys())  # forgets those at zero
