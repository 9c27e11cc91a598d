"""Free ports on the loopback."""

import fcntl
import os
import random
import socket
import tempfile
from collections.abc import Collection
from functools import cache
from pathlib import Path

LOOPBACK = "127.0.0.1"
# Below the range from which systems take ports for outgoing connections: a port that is free
# for the second in which a server restarts must not become somebody's source port.
FIRST_PORT = 20_000
LAST_PORT = 29_999
ATTEMPTS_MAX = 1_000


def is_free(port: int) -> bool:
    """True when a server could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def accepts_connections(port: int, timeout_seconds: float = 0.5) -> bool:
    """True when something listens on the port."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=timeout_seconds):
            return True
    except OSError:
        return False


def free_port(taken: Collection[int] = ()) -> int:
    """A port that is free now and given to nobody else who asks here while this process lives.

    A broker takes seconds from here until it listens; sessions run side by side.
    """
    for _ in range(ATTEMPTS_MAX):
        port = random.randint(FIRST_PORT, LAST_PORT)
        if port not in taken and port not in _given and is_free(port) and reserve(port):
            return port
    raise OSError(f"no free port between {FIRST_PORT} and {LAST_PORT}")


_given: set[int] = set()  # a process does not meet its own locks


def reserve(port: int) -> bool:
    """Keep the port from others who ask here, until this process ends; False: one has it.

    It locks the port's byte of the user's one file.
    """
    try:
        fcntl.lockf(_reservations(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except BlockingIOError:
        return False
    _given.add(port)
    return True


@cache
def _reservations() -> int:
    path = Path(tempfile.gettempdir()) / f"channelbus-ports-{os.getuid()}"
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
