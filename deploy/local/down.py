"""`make down`: stop everything in order and make sure that nothing is left."""

import signal

from local.layout import Layout
from local.supervision import Supervisor, end_left_processes, living_processes
from testkit.embedded.processes import end_recorded

START_GRACE_SECONDS = 20.0  # its last step under way ends first; a busy machine takes its time


class StillRunningError(RuntimeError):
    """A process did not end, not even when it was killed."""


def end_start(layout: Layout) -> None:
    """End a `make up` that is under way; what it has started is stopped by `bring_down`."""
    if end_recorded(layout.starting, stop_signal=signal.SIGTERM, grace_seconds=START_GRACE_SECONDS):
        print("ended the `make up` that was under way")


def bring_down(layout: Layout) -> list[str]:
    """Stop the system; the names of the processes that ran."""
    ran = set(living_processes(layout))
    Supervisor(layout).shutdown()
    ran |= set(end_left_processes(layout))
    left = living_processes(layout)
    if left:
        shown = ", ".join(f"{name} ({process.pid})" for name, process in left.items())
        raise StillRunningError(f"still running: {shown}")
    return sorted(ran)
