"""What is ours is known by pid and start, and ended as a whole."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from testkit.embedded.launch import (
    enterable_by_others,
    record_pid,
    remove_stale_postmaster_pid,
    started_at,
)
from testkit.embedded.processes import Launch, end_recorded, recorded_process, wait_until_recorded

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("started", flush=True)
time.sleep(600)
"""


def launched(command: list[str], folder: Path) -> subprocess.Popen[bytes]:
    """A process recorded in `folder/it.pid`."""
    process = Launch(command, pid_file=folder / "it.pid").start(folder / "it.log")
    wait_until_recorded(folder / "it.pid", process.pid, 60)
    return process


def wait_for(text: str, log: Path) -> None:
    """Wait until the process has written the text."""
    deadline = time.monotonic() + 60
    while text not in log.read_text():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)


def test_a_launched_process_keeps_the_pid_that_was_recorded(tmp_path: Path) -> None:
    process = launched(SLEEPER, tmp_path)
    found = recorded_process(tmp_path / "it.pid")
    assert found is not None
    assert found.pid == process.pid
    assert end_recorded(tmp_path / "it.pid", stop_signal=signal.SIGTERM, grace_seconds=30)
    assert not psutil.pid_exists(process.pid)
    assert not (tmp_path / "it.pid").exists()


def test_a_pid_that_belongs_to_another_process_by_now_is_left_alone(tmp_path: Path) -> None:
    stranger = subprocess.Popen(SLEEPER)
    try:
        (tmp_path / "it.pid").write_text(f"{stranger.pid} 1\n")
        assert recorded_process(tmp_path / "it.pid") is None
        assert not end_recorded(tmp_path / "it.pid", stop_signal=signal.SIGKILL, grace_seconds=1)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_process_that_ignores_the_signal_is_killed_with_its_children(tmp_path: Path) -> None:
    process = launched([sys.executable, "-c", STUBBORN], tmp_path)
    wait_for("started", tmp_path / "it.log")
    children = psutil.Process(process.pid).children()
    assert len(children) == 1
    end_recorded(tmp_path / "it.pid", stop_signal=signal.SIGTERM, grace_seconds=0.3)
    assert not psutil.pid_exists(process.pid)
    assert psutil.wait_procs(children, timeout=30)[1] == []


def test_a_server_dies_with_a_starter_that_was_killed(tmp_path: Path) -> None:
    starter = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time; from pathlib import Path\n"
            "from testkit.embedded.processes import Launch\n"
            f"Launch({SLEEPER!r}, pid_file=Path(sys.argv[1])).start(Path(sys.argv[2]))\n"
            "time.sleep(600)",
            str(tmp_path / "it.pid"),
            str(tmp_path / "it.log"),
        ]
    )
    deadline = time.monotonic() + 60
    while (server := recorded_process(tmp_path / "it.pid")) is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    while server.cmdline() != SLEEPER:  # until the launcher has asked for the signal
        assert time.monotonic() < deadline
        time.sleep(0.02)
    starter.kill()
    starter.wait()
    assert psutil.wait_procs([server], timeout=30)[1] == []


def test_the_start_of_a_process_tells_it_from_a_later_one(tmp_path: Path) -> None:
    assert started_at(os.getpid()) == started_at(os.getpid())
    assert started_at(os.getpid()) != started_at(1)
    record_pid(tmp_path / "me.pid", os.getpid())
    found = recorded_process(tmp_path / "me.pid")
    assert found is not None
    assert found.pid == os.getpid()


def test_a_postmaster_file_whose_pid_is_another_program_is_removed(tmp_path: Path) -> None:
    lock = tmp_path / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n{tmp_path}\n")
    remove_stale_postmaster_pid(tmp_path)
    assert not lock.exists()


def test_a_folder_that_others_may_not_enter_is_seen(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    assert not enterable_by_others(closed / "inside")
