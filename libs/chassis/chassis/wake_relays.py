"""What a process without a relay does for its facts: it tells those that have one.

It holds no slots and sends nothing. What it could not tell, the relays find by their slow poll.
"""

import asyncio
from contextlib import suppress
from typing import Any

from chassis.connecting import DRIVER_ERRORS
from chassis.credentials import database_seen
from chassis.database import Database
from chassis.failures import DatabaseAwayError, says_gone
from chassis.logs import get_logger
from chassis.relay import BACK_OFF_SECONDS_MAX, CHANNEL, COMMAND_SECONDS_MAX, NOTIFY_EVERY_SECONDS
from chassis.settings import ServiceSettings

log = get_logger(__name__)


class RelayWaker:
    """Wakes the relays of other processes after a commit of this one; a burst wakes them once."""

    def __init__(self, settings: ServiceSettings, database: Database):
        self._settings = settings
        self._database = database
        self._committed = asyncio.Event()
        database.on_stated = self._committed.set

    async def run(self) -> None:
        """Serve until cancelled; what fails is tried again with back-off."""
        pause = 0.1
        while True:
            try:
                connection = await self._database.connector.connect(
                    command_timeout=COMMAND_SECONDS_MAX
                )
                try:
                    pause = 0.1
                    await self._wake_until_changed(connection)
                finally:
                    connection.terminate()
            except (OSError, DatabaseAwayError, *DRIVER_ERRORS) as error:
                log.warning("relays not woken", error=repr(error), pause_seconds=pause)
                if says_gone(error):
                    self._database.renew()
            await asyncio.sleep(pause)
            pause = min(pause * 2, BACK_OFF_SECONDS_MAX)

    async def _wake_until_changed(self, connection: Any) -> None:
        files = database_seen(self._settings)
        while not files.changed():
            with suppress(TimeoutError):
                async with asyncio.timeout(files.look_seconds):
                    await self._committed.wait()
            if not self._committed.is_set():
                continue
            self._committed.clear()
            try:
                await connection.execute("SELECT pg_notify($1, '')", CHANNEL)
            except BaseException:
                self._committed.set()
                raise
            await asyncio.sleep(NOTIFY_EVERY_SECONDS)
