"""Processes that are ours: started through `launch`, known by pid and start, ended as a tree."""

import atexit
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

from testkit.embedded import launch
from testkit.embedded.launch import started_at

KILL_WAIT_SECONDS = 10.0

# Who has ended is reaped at the next start; a Popen that is forgotten alive would complain.
_started: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True)
class Launch:
    """How one command becomes a recorded process."""

    command: list[str]
    pid_file: Path
    user: str | None = None
    reaches: Path | None = None
    postgres_data: Path | None = None
    death_signal: str | None = "TERM"

    def argv(self) -> list[str]:
        """The command line of the launcher, for a supervisor or for `start`."""
        options = ["--pid-file", str(self.pid_file)]
        options += ["--user", self.user] if self.user else []
        options += ["--reaches", str(self.reaches)] if self.reaches else []
        options += ["--postgres-data", str(self.postgres_data)] if self.postgres_data else []
        options += ["--death-signal", self.death_signal] if self.death_signal else []
        assert launch.__file__
        return [sys.executable, "-I", "-S", launch.__file__, *options, "--", *self.command]

    def start(
        self, log: Path, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start it in a session of its own, with both outputs appended to the log."""
        return _starter().submit(self._start, log, environment).result()

    def _start(self, log: Path, environment: Mapping[str, str] | None) -> subprocess.Popen[bytes]:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            started = subprocess.Popen(
                self.argv(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                start_new_session=True,
            )
        _reap()
        _started.append(started)
        return started


@atexit.register  # else each of those that ended last complains after a test run's last line
def _reap() -> None:
    _started[:] = [earlier for earlier in _started if earlier.poll() is None]


@cache
def _starter() -> ThreadPoolExecutor:
    """The one thread that starts processes: the kernel sends the death signal when the *thread*
    that started a process ends, and the caller's may be a worker of one test's event loop.
    """
    return ThreadPoolExecutor(1, thread_name_prefix="starter")


def recorded_process(pid_file: Path) -> psutil.Process | None:
    """The living process that this file names, or None; a reused pid is somebody else's."""
    try:
        pid_text, start = pid_file.read_text().split()
        pid = int(pid_text)
    except (FileNotFoundError, ValueError):
        return None
    if started_at(pid) != start:
        return None
    try:
        return psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None


def end(process: psutil.Process, *, stop_signal: signal.Signals, grace_seconds: float) -> None:
    """Ask the process to stop, wait, then kill it and whatever it started that still lives."""
    tree = _with_children(process)
    _send([process], stop_signal)
    _, alive = psutil.wait_procs([process], timeout=grace_seconds)
    remaining = {*alive, *(child for child in tree if child.is_running())}
    if alive:
        _send(remaining, signal.SIGKILL)
    _, alive = psutil.wait_procs(remaining, timeout=1.0 if not alive else KILL_WAIT_SECONDS)
    _send(alive, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=KILL_WAIT_SECONDS)


def end_recorded(pid_file: Path, *, stop_signal: signal.Signals, grace_seconds: float) -> bool:
    """End what the file names; True when there was something to end."""
    process = recorded_process(pid_file)
    if process is not None:
        end(process, stop_signal=stop_signal, grace_seconds=grace_seconds)
    pid_file.unlink(missing_ok=True)
    return process is not None


def wait_until_recorded(pid_file: Path, pid: int, timeout_seconds: float) -> None:
    """Wait until the launched process has written its pid file, even if it has ended since."""
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        if pid_file.exists() and pid_file.read_text().startswith(f"{pid} "):
            return
        time.sleep(0.01)
    raise TimeoutError(f"process {pid} did not write {pid_file} in {timeout_seconds} s")


def last_lines(log: Path, count: int = 20, without: str | None = None) -> str:
    """The end of a log, for the message of what failed; lines that hold `without` are left out."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return "(no log)"
    told = lines if without is None else [line for line in lines if without not in line]
    return "\n".join(told[-count:])


def _with_children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _send(processes: Iterable[psutil.Process], sent: signal.Signals) -> None:
    for process in processes:
        try:
            process.send_signal(sent)
        except psutil.NoSuchProcess:
            continue
