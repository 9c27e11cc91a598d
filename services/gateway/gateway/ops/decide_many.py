"""What a person decides about many parked keys, or about a position that nothing else gets past."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chassis.errors import BadFieldError, RefusedError
from gateway.forwarding.destinations import Service
from gateway.ops.decide_parked import checked_reason
from gateway.ops.peers import Peers
from gateway.ops.sessions import Visitor

POSITIONS_SECONDS_MAX = 15.0  # the service asks Kafka
POSITIONS_SHOWN = 100
DIGITS_MAX = 19


@dataclass(frozen=True, slots=True)
class Selection:
    """Which keys: of one service or of all, and whose error holds a text."""

    services: Sequence[Service]
    error: str
    reason: str

    @classmethod
    def of(cls, form: Mapping[str, str]) -> "Selection":
        """As a form says.

        Raises:
            BadFieldError: no reason, or no such service.

        """
        name = form.get("service", "")
        services = [_service(name)] if name else list(Service)
        return cls(services, form.get("error", "").strip(), checked_reason(form.get("reason", "")))


@dataclass(frozen=True, slots=True)
class Step:
    """Which one offset is left out, and why."""

    service: Service
    content: dict[str, Any]

    @classmethod
    def of(cls, form: Mapping[str, str]) -> "Step":
        """As a form says; refused as `Selection.of` is."""
        stream, consumer = form.get("stream", "").strip(), form.get("consumer", "").strip()
        if not stream:
            raise BadFieldError("stream", "say which", "请填写流")
        content: dict[str, Any] = {
            "stream": stream,
            "partition": _number("partition", form),
            "offset": _number("offset", form),
            "reason": checked_reason(form.get("reason", "")),
        }
        if consumer:
            content["consumer"] = consumer
        return cls(_service(form.get("service", "")), content)


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many keys flow again, how many events were handled, how many keys fail again."""

    keys: int
    events: int
    still_failing: int


@dataclass(frozen=True, slots=True)
class Positions:
    """Those that are not at their topic's end, alarms first; and who did not say."""

    rows: Sequence[Mapping[str, Any]]
    more: int
    away: Sequence[str]


@dataclass(frozen=True, slots=True)
class Interventions:
    """All services in one person's hands."""

    peers: Peers
    visitor: Visitor
    language: str

    async def replay_all(self, selection: Selection) -> Replayed:
        """Each service replays its own, all at once.

        Raises:
            RefusedError: one refused or was away; what the others did is done.

        """
        content = {"reason": selection.reason}
        if selection.error:
            content["error"] = selection.error
        asked = [self._command(s, "/internal/parked/replay-all", content)
                 for s in selection.services]  # fmt: skip
        found = await asyncio.gather(*asked, return_exceptions=True)
        answers = []
        for answer in found:
            if isinstance(answer, BaseException):
                raise answer
            answers.append(answer)
        return Replayed(*(sum(int(answer[name]) for answer in answers)
                          for name in ("keys", "events", "still_failing")))  # fmt: skip

    async def step_over(self, step: Step) -> None:
        """Raises RefusedByServiceError when the consumer does not stand there."""
        await self._command(step.service, "/internal/positions/step-over", step.content)

    async def positions(self) -> Positions:
        """Asks every service."""
        services = list(self.peers.urls)
        found = await asyncio.gather(*[self._positions(service) for service in services])
        away = [service for service, rows in zip(services, found, strict=True) if rows is None]
        behind = [
            row
            for rows in found
            for row in rows or ()
            if row["alarm"] or row["end"] is None or row["position"] < row["end"]
        ]
        behind.sort(key=lambda row: (not row["alarm"], row["service"], row["consumer"]))
        return Positions(behind[:POSITIONS_SHOWN], max(len(behind) - POSITIONS_SHOWN, 0), away)

    async def _positions(self, service: Service) -> list[dict[str, Any]] | None:
        try:
            answer = await self.peers.ask(
                service,
                self.visitor.commander,
                "/internal/positions",
                language=self.language,
                seconds_max=POSITIONS_SECONDS_MAX,
            )
        except RefusedError:
            return None
        return [{**row, "service": service} for row in answer.get("positions", ())]

    async def _command(
        self, service: Service, path: str, content: dict[str, Any]
    ) -> dict[str, Any]:
        commander = self.visitor.commander
        return await self.peers.command(service, commander, path, content, self.language)


def _service(name: str) -> Service:
    try:
        return Service(name)
    except ValueError:
        raise BadFieldError("service", "there is no such service", "没有该服务") from None


def _number(name: str, form: Mapping[str, str]) -> int:
    given = form.get(name, "").strip()
    if not (given.isascii() and given.isdecimal() and len(given) <= DIGITS_MAX):
        raise BadFieldError(name, "must be a whole number", "必须是整数")
    return int(given)
