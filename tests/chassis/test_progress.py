"""How late a consumer is said to be: by the age of what waits, not by how long nothing happened."""

from dataclasses import dataclass
from typing import Any

import pytest

from chassis.delivery import Move
from chassis.messages import Message
from chassis.metrics import LAG_SECONDS
from chassis.progress import Progress

PARTITION = ("order", 0)


@dataclass
class Hours:
    """Clocks that are set by hand."""

    now: float = 1000.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now


@pytest.fixture
def hours(monkeypatch: pytest.MonkeyPatch) -> Hours:
    clock = Hours()
    monkeypatch.setattr("chassis.progress.time", clock)
    return clock


def measured(progress: Progress, hours: Hours, waiting: int) -> float:
    progress.measured({PARTITION: waiting}, hours.now)
    shown: float = LAG_SECONDS.labels(progress.name, "order", "0")._value.get()
    return shown


def fetched(position: int, sent_at_seconds: float) -> Message:
    return Message("order", 0, position, "k", {}, b"", sent_at_seconds)


def done(position: int, sent_at_seconds: float) -> dict[Any, Move]:
    return {PARTITION: Move(position, position + 1, None, sent_at_seconds)}


def test_lag_in_seconds_is_the_age_of_the_oldest_event_not_yet_consumed(hours: Hours) -> None:
    progress = Progress("true", stalled_after_seconds=60)
    progress.assigned([PARTITION])
    progress.met([fetched(5, hours.now - 300), fetched(6, hours.now - 1)])
    assert measured(progress, hours, 2) == 300


def test_who_catches_up_is_as_late_as_what_it_consumes(hours: Hours) -> None:
    progress = Progress("catching", stalled_after_seconds=60)
    progress.assigned([PARTITION])
    progress.advanced(done(5, hours.now - 250))
    assert measured(progress, hours, 894) == 250


def test_the_first_event_after_quiet_hours_is_not_hours_late(hours: Hours) -> None:
    progress = Progress("quiet", stalled_after_seconds=60)
    progress.assigned([PARTITION])
    progress.advanced(done(4, hours.now))
    hours.now += 7200
    assert measured(progress, hours, 0) == 0
    hours.now += 10
    assert measured(progress, hours, 1) == 10  # no later than the last look
    assert progress.stalled() is None


def test_who_advances_between_two_looks_is_not_stalled(hours: Hours) -> None:
    progress = Progress("busy", stalled_after_seconds=60)
    progress.assigned([PARTITION])
    for position in range(5, 10):
        hours.now += 70
        measured(progress, hours, 1)
        assert progress.stalled() is None
        progress.advanced(done(position, hours.now))


def test_who_stands_still_before_events_is_stalled(hours: Hours) -> None:
    progress = Progress("dead", stalled_after_seconds=60)
    progress.assigned([PARTITION])
    measured(progress, hours, 3)
    hours.now += 59
    measured(progress, hours, 4)
    assert progress.stalled() is None
    hours.now += 2
    assert progress.stalled() == "order-0: 4 events behind, still 61 s"
    progress.advanced(done(5, hours.now))
    assert progress.stalled() is None


def test_a_member_without_partitions_is_stalled_when_nobody_moves(hours: Hours) -> None:
    progress = Progress("left out", stalled_after_seconds=60)
    progress.group_measured({PARTITION: 5}, {PARTITION: 3})
    hours.now += 59
    progress.group_measured({PARTITION: 6}, {PARTITION: 2})  # another member works
    hours.now += 59
    progress.group_measured({PARTITION: 6}, {PARTITION: 2})
    assert progress.stalled() is None
    hours.now += 2
    progress.group_measured({PARTITION: 6}, {PARTITION: 2})
    assert progress.stalled() == "nobody works on order-0, still 61 s"
    progress.group_measured({PARTITION: 8}, {PARTITION: 0})
    assert progress.stalled() is None
