"""Named points at which a proof may kill the process: SIGKILL, so that nothing is tidied up.

Or freeze it there by SIGSTOP, until the proof lets it go on. Without the setting `CRASH_AT` a point
costs one comparison.
"""

import os
import signal

_armed: str | None = None
_passes_left = 1
_signal = signal.SIGKILL


def arm(point: str | None) -> None:
    """Kill this process when it reaches `point`; `name:3` lets it pass twice before.

    `name:1:STOP` freezes it instead.
    """
    global _armed, _passes_left, _signal
    name, count, deed = [*(point or "").split(":"), "", ""][:3]
    _armed = name or None
    _passes_left = int(count or 1)
    _signal = signal.SIGSTOP if deed == "STOP" else signal.SIGKILL


def crash_point(name: str) -> None:
    """A place where the process may die without a word."""
    global _passes_left
    if name == _armed:
        _passes_left -= 1
        if _passes_left == 0:
            os.kill(os.getpid(), _signal)
