"""One start or stop of a checkout at a time."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from testkit.embedded.launch import record_pid

WAIT_SECONDS = 240.0


class BusyError(RuntimeError):
    """Another start or stop did not come to its end."""


@contextmanager
def only_one(lock: Path, holder: Path | None = None) -> Iterator[None]:
    """Wait for the lock and hold it; the system frees it when its holder dies.

    Who may be ended by others writes its pid into the file `holder` meanwhile.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as opened:
        deadline = time.monotonic() + WAIT_SECONDS
        said = False
        while not _taken(opened.fileno()):
            if time.monotonic() > deadline:
                raise BusyError("another `make up` or `make down` of this checkout is still busy")
            if not said:
                print("waiting for another `make up` or `make down` of this checkout …", flush=True)
                said = True
            time.sleep(0.2)
        if holder:
            record_pid(holder, os.getpid())
        try:
            yield
        finally:
            if holder:
                holder.unlink(missing_ok=True)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
