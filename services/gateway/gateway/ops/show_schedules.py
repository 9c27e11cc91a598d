"""What comes with time: when each schedule last ran, and how far behind it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.ops.watch_services import ServiceState, Snapshot


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """A schedule of one service; `last_at` is None where it has not run to its end yet."""

    service: str
    name: str
    last_at: datetime | None
    behind_seconds: float
    failures: int


@dataclass(frozen=True, slots=True)
class Schedules:
    """The furthest behind first; `away` did not say."""

    at: datetime
    rows: Sequence[ScheduleState]
    away: Sequence[str]


def show_schedules(snapshot: Snapshot) -> Schedules:
    """Of all services, as of the last look."""
    rows = [row for service in snapshot.services for row in _of(service)]
    rows.sort(key=lambda row: (-row.behind_seconds, row.service, row.name))
    away = [service.name for service in snapshot.services if service.health == "away"]
    return Schedules(snapshot.at, rows, away)


def _of(service: ServiceState) -> list[ScheduleState]:
    told = service.metrics
    names = {*told.schedule_last, *told.schedule_behind, *told.schedule_failures}
    return [
        ScheduleState(
            service.name,
            name,
            _instant(told.schedule_last.get(name)),
            told.schedule_behind.get(name, 0.0),
            int(told.schedule_failures.get(name, 0.0)),
        )
        for name in names
    ]


def _instant(seconds: float | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None
