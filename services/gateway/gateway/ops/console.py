"""The console of one process: what its door needs, and what lives with the process."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chassis.clock import WallClock
from chassis.database import Database
from gateway.identity.keyring import Keyring
from gateway.ops.follow_events import EventFlow
from gateway.ops.pages import Pages
from gateway.ops.peers import Peers
from gateway.ops.seats import Seat, Seats
from gateway.ops.sessions import Sessions, Visitor
from gateway.ops.watch_services import ServiceWatch
from gateway.settings import GatewaySettings

VIEW_SECONDS_MAX = 600.0  # then a browser asks again by itself, and a dead reader does not
SESSION_ASKED_AGAIN_SECONDS = 10.0


class Console:
    """One per process."""

    def __init__(
        self, settings: GatewaySettings, database: Database, keyring: Keyring, clock: WallClock
    ):
        self.settings = settings
        self.database = database
        self.clock = clock
        self.sessions = Sessions(database, keyring, settings)
        self.peers = Peers(settings)
        self.services = ServiceWatch(self.peers, clock)
        self.flow = EventFlow(database, clock)
        self.pages = Pages()
        self.seats = Seats()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """The way to the services; ends what is under way."""
        async with self.peers.open():
            try:
                yield
            finally:
                await asyncio.gather(self.services.looks.close(), self.flow.looks.close())

    async def parts(self, language: str) -> dict[str, str]:
        """All live parts as of now, for the page itself."""
        snapshot, flow = await asyncio.gather(self.services.looks.fresh(), self.flow.looks.fresh())
        return self.pages.parts(language, snapshot, flow)

    async def watch(self, visitor: Visitor, language: str) -> AsyncIterator[tuple[str, str]]:
        """Each part by name when it has changed, until the session, the seat or the time ends.

        Raises:
            OutsideError: more look than a process can serve.

        """
        seat = self.seats.take(visitor.who)
        try:
            async for part in self._changes(visitor, seat, language):
                yield part
        finally:
            self.seats.leave(seat)

    async def _changes(
        self, visitor: Visitor, seat: Seat, language: str
    ) -> AsyncIterator[tuple[str, str]]:
        sent: dict[str, str] = {}
        began_at = asked_at = time.monotonic()
        while not seat.given_up and time.monotonic() - began_at < VIEW_SECONDS_MAX:
            flow = await self.flow.looks.next()
            if time.monotonic() - asked_at > SESSION_ASKED_AGAIN_SECONDS:
                asked_at = time.monotonic()
                again = await self.sessions.visitor(visitor.session_id, self.clock())
                if again is None or not again.may_see:
                    yield "ended", self.pages.page("ended.html", language)
                    yield "closed", ""
                    return
            parts = self.pages.parts(language, self.services.looks.glance(), flow)
            for name, html in parts.items():
                if sent.get(name) != html:
                    sent[name] = html
                    yield name, html
