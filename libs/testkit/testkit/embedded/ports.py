"""Free ports on the loopback."""

import random
import socket
from collections.abc import Collection

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
    """A port that is free now and not among those already given out."""
    for _ in range(ATTEMPTS_MAX):
        port = random.randint(FIRST_PORT, LAST_PORT)
        if port not in taken and is_free(port):
            return port
    raise OSError(f"no free port between {FIRST_PORT} and {LAST_PORT}")
