"""What a person decides about a parked event, in all consumers that parked it.

Each is carried out, and audited, by the service that owns the consumer.
"""

import asyncio
import json
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from chassis import audit
from chassis.database import Database
from chassis.errors import BadFieldError, OutsideError, RefusedError
from gateway.forwarding.destinations import Service
from gateway.ops.peers import Peers
from gateway.ops.sessions import Visitor

REASON_CHARACTERS_MAX = 1000


@dataclass(frozen=True, slots=True)
class Place:
    """A consumer in which the event waits; without an error it waits behind another one there."""

    service: Service
    parked_id: int
    consumer: str
    error: str | None

    @property
    def tick(self) -> str:
        """Its name in a form."""
        return f"at.{self.service}.{self.parked_id}"


@dataclass(slots=True)
class Outcome:
    """What came of a decision: events handled, where it was carried out, and where it was not."""

    handled: int = 0
    done: list[Place] = field(default_factory=list)
    refused: list[tuple[Place, RefusedError]] = field(default_factory=list)
    is_stuck: bool = False  # what waited behind the event fails in its turn


@dataclass(frozen=True, slots=True)
class ParkedDesk:
    """One service's parked events in one person's hands, and those of the others that are equal."""

    peers: Peers
    database: Database
    visitor: Visitor
    service: Service
    language: str

    async def show(self, parked_id: int, now: datetime) -> dict[str, Any]:
        """The event with its body, which may hold personal data: that it was read is recorded.

        `places` are all consumers in which it waits, `away` the services that did not say.

        Raises:
            RefusedByServiceError: there is no such event.
            OutsideError: the service did not answer.

        """
        event = await self._ask(self.service, f"/internal/parked/events/{parked_id}")
        async with self.database.transaction() as session:
            subject = f"{self.service}/{parked_id}"
            audit.record(session, self.visitor.commander, "parked_event.read", subject, now)
        places, away = await self._places(event)
        return {
            **event,
            "parked_at": datetime.fromisoformat(event["parked_at"]),
            "readable_body": readable(event["body"]),
            "places": places,
            "away": away,
        }

    async def _places(self, event: dict[str, Any]) -> tuple[list[Place], list[Service]]:
        own = Place(self.service, event["id"], event["consumer"], event["error"])
        if event["state"] != "waiting":
            return [own], []
        services = list(self.peers.urls)
        found = await asyncio.gather(*[self._same(service, event) for service in services])
        others = [place for places in found for place in places or () if place.tick != own.tick]
        away = [service for service, places in zip(services, found, strict=True) if places is None]
        return [own, *others], away

    async def _same(self, service: Service, event: dict[str, Any]) -> list[Place] | None:
        """The same record, as it waits in the service; None when it does not say."""
        where = {name: event[name] for name in ("stream", "key", "partition", "position")}
        try:
            answer = await self._ask(service, "/internal/parked/same-event", where)
        except OutsideError:
            return None
        except RefusedError:
            return []  # of a release before this one
        return [
            Place(service, row["id"], row["consumer"], row["error"])
            for row in answer.get("events", ())
            if row["event_id"] == event["event_id"]  # a topic made again counts from 0 again
        ]

    async def replay(
        self, event: dict[str, Any], places: Sequence[Place], reason: str = ""
    ) -> Outcome:
        """Handle the whole key in order, in each of the consumers."""
        why = {"reason": checked_reason(reason)} if reason.strip() else {}

        async def of(place: Place) -> int:
            key = {"consumer": place.consumer, "stream": event["stream"], "key": event["key"]}
            answer = await self._command(place, "/internal/parked/replay", {**key, **why})
            return int(answer["replayed"])

        return await _in_each(places, of)

    async def edit(
        self, event: dict[str, Any], places: Sequence[Place], body: str, reason: str
    ) -> Outcome:
        """Give the event another body in each of the consumers, then replay their keys.

        What arrived is kept beside it. A body that one of them refuses is tried in no further one.
        """
        content = {"body": b64encode(body.encode()).decode(), "reason": checked_reason(reason)}
        edited = await _in_each(places, self._decision("edit", content), until_refused=True)
        replayed = await self.replay(event, edited.done, reason)
        replayed.refused = [*edited.refused, *replayed.refused]
        return replayed

    async def skip(
        self, event: dict[str, Any], places: Sequence[Place], reason: str, *, and_rest: bool
    ) -> Outcome:
        """Leave the event out for good, in each of the consumers; then what waited behind it."""
        content = {"reason": checked_reason(reason)}
        skipped = await _in_each(places, self._decision("skip", content))
        if and_rest:
            behind = await self.replay(event, skipped.done, reason)
            skipped.handled, skipped.is_stuck = behind.handled, bool(behind.refused)
        return skipped

    def at(self, place: Place) -> "ParkedDesk":
        """The same person at another service."""
        return replace(self, service=place.service)

    def _decision(self, deed: str, content: dict[str, Any]) -> Callable[[Place], Awaitable[int]]:
        async def decide(place: Place) -> int:
            path = f"/internal/parked/events/{place.parked_id}/{deed}"
            await self._command(place, path, content)
            return 0

        return decide

    async def _ask(
        self, service: Service, path: str, query: Mapping[str, str | int] | None = None
    ) -> dict[str, Any]:
        commander = self.visitor.commander
        return await self.peers.ask(service, commander, path, query, language=self.language)

    async def _command(self, place: Place, path: str, content: dict[str, Any]) -> dict[str, Any]:
        commander = self.visitor.commander
        return await self.peers.command(place.service, commander, path, content, self.language)


async def _in_each(
    places: Sequence[Place],
    decide: Callable[[Place], Awaitable[int]],
    *,
    until_refused: bool = False,
) -> Outcome:
    """One after the other: what the first one refuses, the next one mostly refuses, too."""
    outcome = Outcome()
    for place in places:
        try:
            outcome.handled += await decide(place)
        except RefusedError as refusal:
            outcome.refused.append((place, refusal))
            if until_refused:
                break
        else:
            outcome.done.append(place)
    return outcome


def chosen_places(places: Sequence[Place], form: Mapping[str, str]) -> list[Place]:
    """Those that the form ticks; without any ticks on it, where the event itself has failed.

    Where it waits behind another event it may well be handled, so that is never chosen by itself.

    Raises:
        BadFieldError: the form has ticks, and none is set.

    """
    if "ticked" not in form:
        return [places[0], *(place for place in places[1:] if place.error)]
    chosen = [place for place in places if place.tick in form]
    if not chosen:
        raise BadFieldError("consumer", "choose one at least", "请至少选择一个消费者")
    return chosen


def readable(body: str) -> str:
    """Indented, unless that would change it: a fraction is left as it was written."""
    try:
        return json.dumps(json.loads(body, parse_float=_refuse), ensure_ascii=False, indent=2)
    except ValueError:
        return body


def _refuse(number: str) -> None:
    raise ValueError(number)


def checked_reason(reason: str) -> str:
    """Without blanks around it; refused when nothing is left, or too much."""
    reason = reason.strip()
    if not 0 < len(reason) <= REASON_CHARACTERS_MAX:
        raise BadFieldError(
            "reason",
            f"say why, in at most {REASON_CHARACTERS_MAX} characters",
            f"请说明原因，最多 {REASON_CHARACTERS_MAX} 个字符",
        )
    return reason
