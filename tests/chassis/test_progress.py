"""How late a consumer is said to be: by what has waited, not by how long nothing happened."""

import pytest

from chassis.metrics import LAG_SECONDS
from chassis.progress import Progress

PARTITION = ("order", 0)


class Hours:
    """A monotonic clock that is set by hand."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def hours(monkeypatch: pytest.MonkeyPatch) -> Hours:
    clock = Hours()
    monkeypatch.setattr("chassis.progress.time", clock)
    return clock


def measured(progress: Progress, position: int, end: int) -> float:
    progress._set_lag(PARTITION, {PARTITION: (position, None)}, end)
    shown: float = LAG_SECONDS.labels(progress.name, "order", "0")._value.get()
    return shown


def test_the_first_event_after_quiet_hours_is_not_hours_late(hours: Hours) -> None:
    progress = Progress("quiet", stalled_after_seconds=60)
    progress.assigned([PARTITION])
    assert measured(progress, 5, 5) == 0
    hours.now += 7200
    assert measured(progress, 5, 6) == 0
    assert progress.stalled() is None


def test_who_advances_between_two_looks_is_not_late(hours: Hours) -> None:
    """Each look may meet an event that has just come, since the look itself waits for one."""
    progress = Progress("busy", stalled_after_seconds=60)
    progress.assigned([PARTITION])
    for position in range(5, 10):
        hours.now += 40
        assert measured(progress, position, position + 1) == 0
        progress.advanced([PARTITION])
    assert progress.stalled() is None


def test_who_stands_still_before_events_is_late_and_then_stalled(hours: Hours) -> None:
    progress = Progress("dead", stalled_after_seconds=60)
    progress.assigned([PARTITION])
    assert measured(progress, 5, 8) == 0
    hours.now += 5
    assert measured(progress, 5, 9) == 5
    assert progress.stalled() is None
    hours.now += 56
    assert measured(progress, 5, 9) == 61
    assert progress.stalled() == "order-0: 4 events behind, still 61 s"
    progress.advanced([PARTITION])
    assert progress.stalled() is None
