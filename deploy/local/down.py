"""`make down`: stop everything in order and make sure that nothing is left."""

from local.layout import Layout
from local.supervision import Supervisor, end_left_processes, living_processes


class StillRunningError(RuntimeError):
    """A process did not end, not even when it was killed."""


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
