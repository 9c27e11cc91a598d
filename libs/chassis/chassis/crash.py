"""Named points at which a proof may kill the process: SIGKILL, so that nothing is tidied up.

Without the setting `CRASH_AT` a point costs one comparison.
"""

import os
import signal

_armed: str | None = None
_passes_left = 1


def arm(point: str | None) -> None:
    """Kill this process when it reaches `point`; `name:3` lets it pass twice before."""
    global _armed, _passes_left
    name, _, count = (point or "").partition(":")
    _armed = name or None
    _passes_left = int(count or 1)


def crash_point(name: str) -> None:
    """A place where the process may die without a word."""
    global _passes_left
    if name == _armed:
        _passes_left -= 1
        if _passes_left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
