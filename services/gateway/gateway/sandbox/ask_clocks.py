"""The business clocks of all services, asked and told at once."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from chassis.identity import Principal
from gateway.forwarding.destinations import Service
from gateway.identity.keyring import ADMINISTRATOR

LOOK_SECONDS_MAX = 15.0  # what waits in Kafka is read to be counted
_MOVER = Principal(id=ADMINISTRATOR.id, kind="administrator", partner_id="*", caller="clock")


class Peers(Protocol):
    """The way to the services."""

    async def ask(
        self, service: Service, principal: Principal, path: str, *, seconds_max: float
    ) -> dict[str, Any]:
        """GET."""

    async def command(
        self, service: Service, principal: Principal, path: str, content: dict[str, Any]
    ) -> dict[str, Any]:
        """POST."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one service says (`chassis.clock_api`)."""

    service: Service
    now: datetime
    due: dict[str, datetime]  # schedule → from when on it finds something to do
    at_each_stop: list[str]
    under_way: int  # events not sent, or not heard
    mark: str

    def due_by(self, at: datetime) -> list[str]:
        """The schedules that find something to do at that instant."""
        return [name for name, since in self.due.items() if since <= at]


class Clocks:
    """All of them; one that does not answer fails the whole question."""

    def __init__(self, peers: Peers):
        self._peers = peers

    async def look(self) -> list[Look]:
        """How each stands."""
        return list(await asyncio.gather(*(self._look(one) for one in Service)))

    async def _look(self, service: Service) -> Look:
        told = await self._peers.ask(
            service, _MOVER, "/internal/clock", seconds_max=LOOK_SECONDS_MAX
        )
        return Look(
            service,
            datetime.fromisoformat(told["now"]),
            {name: datetime.fromisoformat(at) for name, at in told["due"].items()},
            told["at_each_stop"],
            told["outbox"] + told["unread"],
            told["mark"],
        )

    async def stand(self, at: datetime) -> datetime:
        """Let all stand there; the latest of those that were further already."""
        told = await self._tell("/internal/clock/stand", {"at": at.isoformat()})
        return max(datetime.fromisoformat(one["now"]) for one in told)

    async def run_due(self) -> list[str]:
        """Let all do what is due; who did what."""
        told = await self._tell("/internal/clock/run-due", {})
        pairs = zip(Service, told, strict=True)
        return [f"{service}: {name}" for service, one in pairs for name in one["ran"]]

    async def go_on(self, ahead: timedelta) -> None:
        """Let all run again, that far ahead of the wall."""
        microseconds = ahead // timedelta(microseconds=1)
        await self._tell("/internal/clock/go-on", {"ahead_microseconds": microseconds})

    async def _tell(self, path: str, content: dict[str, Any]) -> list[dict[str, Any]]:
        told = (self._peers.command(one, _MOVER, path, content) for one in Service)
        return list(await asyncio.gather(*told))
