"""How the services are: asked every two seconds while somebody looks, once for all who do."""

import asyncio
import json
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from chassis.business_clock import BusinessClock
from chassis.clock import WallClock
from chassis.errors import RefusedError
from chassis.failures import DatabaseAwayError
from chassis.identity import Principal
from gateway.feed.shared_look import SharedLook
from gateway.forwarding.destinations import Service
from gateway.identity.keyring import ADMINISTRATOR
from gateway.ops.peers import Peers
from gateway.ops.read_metrics import Metrics, read_metrics

LOOK_PAUSE_SECONDS = 2.0
RECENT_SECONDS = 300.0
AHEAD_SHOWN = timedelta(seconds=1)
RATES_KEPT = 90  # three minutes, for the line in the page's head
PARKED_KEYS_SHOWN = 100
_LOOKER = Principal(id=ADMINISTRATOR.id, kind="administrator", partner_id="*", caller="ops")


@dataclass(frozen=True, slots=True)
class ConsumerState:
    """One consumer group. `events_per_second` is None until there are two looks.

    `told_seconds_ago`: its service does not answer, and nobody else measures the group; the figures
    are the last known, so that it is at least as late as that and the time since.
    """

    name: str
    events_per_second: float | None
    lag_events: int
    lag_seconds: float
    told_seconds_ago: float | None = None


@dataclass(frozen=True, slots=True)
class ParkedState:
    """A parked key, and the event that blocks it, in all consumers that it blocks."""

    service: str
    consumer: str
    stream: str
    key: str
    events: int
    since: datetime
    first_id: int
    type: str | None
    error: str | None
    place: tuple[Any, ...] = ()  # partition, position and id of that event, where they are known
    told_seconds_ago: float | None = None  # its service does not answer: as of the last look

    @property
    def event(self) -> tuple[Any, ...]:
        """The same for the same event in another consumer; what is not known is like nothing."""
        where = (self.stream, self.key, *self.place)
        return where if self.place else (*where, self.service, self.consumer)


@dataclass(frozen=True, slots=True)
class ServiceState:
    """`health`: "ok", "alarmed", "not_ready", "stalled" or "away"; `reason` is its own word."""

    name: str
    health: str
    reason: str = ""
    answered_ms: int | None = None
    events_per_second: float | None = None
    metrics: Metrics = field(default_factory=Metrics)
    consumers: tuple[ConsumerState, ...] = ()
    parked: tuple[ParkedState, ...] = ()


@dataclass(frozen=True, slots=True)
class RefusalState:
    """A refusal code: how often since the services' start, and lately while somebody looked."""

    code: str
    recent: int
    total: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything at one look. `rates` are the last looks' events per second, oldest first."""

    at: datetime
    services: tuple[ServiceState, ...]
    refusals: tuple[RefusalState, ...]
    rates: tuple[float, ...]
    business_at: datetime | None = None  # where it was moved ahead of the wall

    @property
    def parked(self) -> list[ParkedState]:
        """Of all services, oldest first; one event is one decision, whoever parked it."""
        keys = [key for service in self.services for key in service.parked]
        events: dict[tuple[Any, ...], list[ParkedState]] = defaultdict(list)
        for key in sorted(keys, key=lambda key: key.since):
            events[key.event].append(key)
        return [_one_of(same) for same in events.values()]

    @property
    def lag_seconds(self) -> float:
        """Of the consumer that is furthest behind."""
        return max((c.lag_seconds for s in self.services for c in s.consumers), default=0.0)

    @property
    def at_least(self) -> bool:
        """Whether somebody did not answer, so that the sums may be larger."""
        return any(service.health == "away" for service in self.services)

    @property
    def outbox_rows(self) -> int:
        """Of all services."""
        return sum(int(service.metrics.outbox_rows) for service in self.services)

    @property
    def unwell(self) -> int:
        """How many services are not well."""
        return sum(service.health != "ok" for service in self.services)


class ServiceWatch:
    """Asks all services at once, each for a bounded time; keeps what rates need."""

    def __init__(self, peers: Peers, clock: WallClock):
        self._peers = peers
        self._clock = clock
        self.business: BusinessClock | None = None  # of a sandbox
        self._before: dict[Service, tuple[float, Metrics]] = {}
        self._last: dict[Service, tuple[float, ServiceState]] = {}  # that answered
        self._refusals: deque[tuple[float, dict[str, float]]] = deque()
        self._rates: deque[float] = deque(maxlen=RATES_KEPT)
        self.looks: SharedLook[Snapshot] = SharedLook(self._look, LOOK_PAUSE_SECONDS)

    async def _look(self) -> Snapshot:
        asked = await asyncio.gather(*[self._service(name) for name in self._peers.urls])
        services = self._with_every_consumer(asked)
        known = [s.events_per_second for s in services if s.events_per_second is not None]
        if known:
            self._rates.append(sum(known))
        refusals = self._recent_refusals(services)
        ahead = await self._ahead()
        return Snapshot(self._clock(), tuple(services), refusals, tuple(self._rates), ahead)

    async def _ahead(self) -> datetime | None:
        """Business time, where it is not the wall's; a database that is away shows elsewhere."""
        if self.business is None:
            return None
        try:
            now = await self.business.now()
        except DatabaseAwayError:
            return None
        return now if now - self._clock() > AHEAD_SHOWN else None

    async def _service(self, name: Service) -> ServiceState:
        started = time.monotonic()
        try:
            live, ready, metrics, parked = await asyncio.gather(
                self._peers.probe(name, "/livez"),
                self._peers.probe(name, "/readyz"),
                self._peers.probe(name, "/metrics"),
                self._peers.ask(name, _LOOKER, "/internal/parked"),
            )
            answered_ms = int((time.monotonic() - started) * 1000)
            now = read_metrics(metrics[1].decode())
            health, reason = _health(live, ready)
            keys = tuple(_parked(name, row) for row in parked["keys"][:PARKED_KEYS_SHOWN])
        except (RefusedError, ValueError, KeyError) as error:
            self._before.pop(name, None)
            detail = error.detail if isinstance(error, RefusedError) else repr(error)
            return ServiceState(name, "away", detail)
        at, before = self._before.get(name, (0.0, None))
        seconds = started - at
        self._before[name] = (started, now)
        return ServiceState(
            name, health, reason, answered_ms,
            _rate(before.relayed if before else None, now.relayed, seconds),
            now, _consumers(before, now, seconds), keys,
        )  # fmt: skip

    def _with_every_consumer(self, asked: list[ServiceState]) -> list[ServiceState]:
        """A consumer never vanishes: who does not answer has its last figures, and what others say.

        Every process measures every group, so a frozen one's lag grows in the others' figures.
        """
        groups = _groups(asked)
        now = time.monotonic()
        whole = []
        for state in asked:
            name = Service(state.name)
            if state.health != "away":
                self._last[name] = (now, state)
                found = state
            else:
                at, last = self._last.get(name, (now, state))
                found = _as_last_known(state, last, now - at)
            whole.append(replace(found, consumers=_measured(name, found.consumers, groups)))
        return whole

    def _recent_refusals(self, services: list[ServiceState]) -> tuple[RefusalState, ...]:
        """Against the oldest look of the last five minutes; the first look counts nothing."""
        at = time.monotonic()
        totals: dict[str, float] = {}
        for service in services:
            for code, count in service.metrics.refusals.items():
                totals[code] = totals.get(code, 0.0) + count
        self._refusals.append((at, totals))
        while self._refusals[0][0] < at - RECENT_SECONDS:
            self._refusals.popleft()
        oldest = self._refusals[0][1]
        shown = [
            RefusalState(code, max(int(total - oldest.get(code, 0.0)), 0), int(total))
            for code, total in totals.items()
        ]
        return tuple(sorted(shown, key=lambda r: (-r.recent, -r.total, r.code)))


def _one_of(same: list[ParkedState]) -> ParkedState:
    """The first one, with the names of all; as old as the oldest look at one of them."""
    ages = [key.told_seconds_ago for key in same if key.told_seconds_ago is not None]
    return replace(
        same[0],
        consumer=", ".join(key.consumer for key in same),
        events=max(key.events for key in same),
        error=next((key.error for key in same if key.error), None),
        told_seconds_ago=max(ages) if ages else None,
    )


def _rate(before: float | None, now: float, seconds: float) -> float | None:
    """None without a look before; a counter that fell belongs to a process started again."""
    return None if before is None else max(now - before, 0.0) / max(seconds, 0.001)


def _consumers(before: Metrics | None, now: Metrics, seconds: float) -> tuple[ConsumerState, ...]:
    return tuple(
        ConsumerState(
            name,
            _rate(before.consumed.get(name, 0.0) if before else None, now.consumed[name], seconds),
            int(now.lag_events[name]),
            now.lag_seconds[name],
        )
        for name in now.consumers
    )


def _groups(services: list[ServiceState]) -> dict[str, tuple[float, float]]:
    """Events and seconds by group: the largest that anybody measured, for one may look less."""
    found: dict[str, tuple[float, float]] = {}
    for service in services:
        for group, events in service.metrics.group_lag_events.items():
            known = found.get(group, (0.0, 0.0))
            seconds = service.metrics.group_lag_seconds[group]
            found[group] = (max(known[0], events), max(known[1], seconds))
    return found


def _as_last_known(away: ServiceState, last: ServiceState, ago: float) -> ServiceState:
    """Its consumers and parked keys as of the last look; a lag has grown since by as much."""
    consumers = tuple(
        ConsumerState(
            one.name,
            None,
            one.lag_events,
            one.lag_seconds + ago if one.lag_events else one.lag_seconds,
            told_seconds_ago=ago,
        )
        for one in last.consumers
    )
    parked = tuple(replace(key, told_seconds_ago=ago) for key in last.parked)
    return replace(away, consumers=consumers, parked=parked)


def _measured(
    service: Service, consumers: tuple[ConsumerState, ...], groups: dict[str, tuple[float, float]]
) -> tuple[ConsumerState, ...]:
    """The consumers with what was measured of their groups, also those that nobody speaks of."""
    known = {one.name: one for one in consumers}
    for group, (events, seconds) in groups.items():
        if _service_of(group) == service:
            one = known.get(group, ConsumerState(group, None, 0, 0.0))
            measured = replace(one, lag_events=int(events), lag_seconds=seconds)
            known[group] = replace(measured, told_seconds_ago=None)
    return tuple(known[name] for name in sorted(known))


def _service_of(group: str) -> Service | None:
    """A group is named after its package, or begins with its name."""
    for service in Service:
        package = service.value.replace("-", "_")
        if group == package or group.startswith(f"{package}_"):
            return service
    return None


def _health(live: tuple[int, bytes], ready: tuple[int, bytes]) -> tuple[str, str]:
    if live[0] != 200:
        stalled = json.loads(live[1]).get("stalled", {})
        return "stalled", "; ".join(f"{name}: {why}" for name, why in stalled.items())
    if ready[0] != 200:
        return "not_ready", "; ".join(json.loads(ready[1]).get("alarms", []))
    if alarms := json.loads(ready[1]).get("alarms", []):
        return "alarmed", "; ".join(alarms)
    return "ok", ""


def _parked(service: Service, row: dict[str, Any]) -> ParkedState:
    return ParkedState(
        service=service,
        consumer=row["consumer"],
        stream=row["stream"],
        key=row["key"],
        events=row["events"],
        since=datetime.fromisoformat(row["since"]),
        first_id=row["first_id"],
        type=row["type"],
        error=row["error"],
        place=(row["partition"], row["position"], row["event_id"]) if "position" in row else (),
    )
