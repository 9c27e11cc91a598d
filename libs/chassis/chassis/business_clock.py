"""Business time: wall time, and in a sandbox what an administrator moved it ahead.

Each service keeps in one row of its own how far that is (decision 0094). A request asks the row, so
no replica answers with an older business time than one that was told before.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg

from chassis.connecting import DRIVER_ERRORS, Connector
from chassis.failures import DatabaseAwayError

BusinessNow = Callable[[], Awaitable[datetime]]  # asks anew each time
READ_SECONDS_MAX = 5.0
TURNS_LAG_SECONDS_MAX = 1.0
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_READ = "SELECT ahead, reached, stands FROM business_time"


@dataclass(frozen=True, slots=True)
class Moved:
    """How business time was moved; it never falls behind `reached`.

    `stands`: a step is under way, and it is `reached` until the step has ended.
    """

    ahead: timedelta
    reached: datetime
    stands: bool

    def at(self, wall: datetime) -> datetime:
        """Business time at an instant of the wall."""
        return self.reached if self.stands else max(wall + self.ahead, self.reached)


NEVER_MOVED = Moved(ahead=timedelta(), reached=LONG_AGO, stands=False)


class BusinessClock:
    """Tells business time. Without `connector` nobody moves it: it is wall time and asks nobody."""

    def __init__(self, wall: Callable[[], datetime], connector: Connector | None):
        self._wall = wall
        self._connector = connector
        self._connection: asyncpg.Connection | None = None
        self._one_at_a_time = asyncio.Lock()
        self._last, self._read_at = NEVER_MOVED, -TURNS_LAG_SECONDS_MAX

    async def now(self) -> datetime:
        """The instant, aware and in UTC.

        Raises:
            DatabaseAwayError: how far it was moved cannot be read.

        """
        if self._connector is None:
            return self._wall()
        return (await self.moved()).at(self._wall())

    async def about_now(self) -> datetime:
        """The same for a schedule's turn: another replica may have moved it a second ago."""
        if self._connector is None:
            return self._wall()
        if time.monotonic() - self._read_at > TURNS_LAG_SECONDS_MAX:
            self._last = await self.moved()
        return self._last.at(self._wall())

    async def moved(self) -> Moved:
        """How far it was moved, read now: on a connection of its own, which waits for no other."""
        assert self._connector is not None, "only a sandbox moves it"
        async with self._one_at_a_time:
            try:
                if self._connection is None:
                    connect = self._connector.connect(command_timeout=READ_SECONDS_MAX)
                    self._connection = await connect
                row = await self._connection.fetchrow(_READ)
            except (OSError, TimeoutError, DatabaseAwayError, *DRIVER_ERRORS) as error:
                self._drop()
                raise DatabaseAwayError(repr(error)) from error
            except asyncio.CancelledError:  # in the middle of an answer that nobody reads now
                self._drop()
                raise
        self._last, self._read_at = (NEVER_MOVED if row is None else Moved(*row)), time.monotonic()
        return self._last

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def close(self) -> None:
        """Leave the database."""
        self._drop()
