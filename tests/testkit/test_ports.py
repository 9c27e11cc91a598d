"""Ports are given once, also to sessions that run side by side."""

import fcntl
import random
import subprocess
import sys

import pytest

from testkit.embedded import ports

ASK = """
import sys
from testkit.embedded import ports
ports.FIRST_PORT, ports.LAST_PORT = int(sys.argv[1]), int(sys.argv[1]) + 1
print(ports.free_port(), flush=True)
sys.stdin.read()
"""


def is_nobodys(port: int) -> bool:
    """Whether no session at all was given the port: another one holds dozens that it never uses."""
    if port in ports._given or not ports.is_free(port) or not ports.reserve(port):
        return False
    ports._given.discard(port)
    fcntl.lockf(ports._reservations(), fcntl.LOCK_UN, 1, port)
    return True


def two_free_ports() -> int:
    """The first of two neighbours that nobody uses or was given."""
    while True:
        first = random.randrange(ports.FIRST_PORT, ports.LAST_PORT)
        if is_nobodys(first) and is_nobodys(first + 1):
            return first


def test_a_port_is_given_once_until_the_process_it_was_given_to_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Break: let `reserve` return True without a lock."""
    first = two_free_ports()
    monkeypatch.setattr(ports, "FIRST_PORT", first)
    monkeypatch.setattr(ports, "LAST_PORT", first + 1)
    command = [sys.executable, "-c", ASK, str(first)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout
        assert other.stdin
        theirs = int(other.stdout.readline())
        assert ports.free_port() == first + (theirs == first)
        with pytest.raises(OSError, match="no free port"):
            ports.free_port()
        other.stdin.close()
        other.wait()
    assert ports.free_port() == theirs
