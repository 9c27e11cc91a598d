"""An installation that is under way can be ended by `make down`."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from install.places import RUN, InstallationError, log

PID_FILE = RUN / "install.pid"
END_SECONDS = 10.0


@contextmanager
def under_way() -> Iterator[None]:
    """Be known, and end with what was started when told so."""
    RUN.mkdir(exist_ok=True)
    PID_FILE.write_text(str(os.getpid()))
    signal.signal(signal.SIGTERM, _told_to_end)
    try:
        yield
    finally:
        PID_FILE.unlink(missing_ok=True)


def _told_to_end(_signal: int, _frame: FrameType | None) -> NoReturn:
    """Leave by an exception: then subprocess ends what it waits for."""
    raise InstallationError("ended by `make down`")


def stop() -> None:
    """End the installation of this checkout, if there is one, and wait for its end."""
    pid = _installing()
    if pid is None:
        return
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + END_SECONDS
    while _installing() == pid and time.monotonic() < deadline:
        time.sleep(0.05)
    log("ended the installation that was under way")


def _installing() -> int | None:
    """Its pid, unless that now belongs to another program."""
    try:
        pid = int(PID_FILE.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return pid if "-m install" in _command_of(pid) and pid != os.getpid() else None


def _command_of(pid: int) -> str:
    if Path("/proc/self").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            return ""
    asked = ["ps", "-o", "args=", "-p", str(pid)]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout
