"""Become a server process: record its pid, drop root where asked, then exec the command.

Standard library only and run by its path (`python -I -S launch.py …`), so that it costs
hundredths of a second before each server.
"""

import argparse
import ctypes
import os
import pwd
import signal
import subprocess
import sys
from pathlib import Path

UNPRIVILEGED_USER = "nobody"

_PR_SET_PDEATHSIG = 1
_PR_SET_SECUREBITS = 28
_SECBIT_NO_SETUID_FIXUP = 1 << 2
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522


def started_at(pid: int) -> str | None:
    """When the process began, as a text that tells it from a later one with the same pid."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return None if Path("/proc/self").exists() else _started_at_by_ps(pid)
    except (ProcessLookupError, PermissionError):
        return None
    fields = stat[stat.rindex(")") + 2 :].split()
    return None if fields[0] == "Z" else fields[19]


def _started_at_by_ps(pid: int) -> str | None:
    asked = ["ps", "-o", "lstart=", "-p", str(pid)]
    shown = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    return "-".join(shown.split()) or None


def record_pid(pid_file: Path, pid: int) -> None:
    """Write the pid with its start, whole or not at all."""
    pid_file.parent.mkdir(parents=True, exist_ok=True)
    written = pid_file.with_name(pid_file.name + ".new")
    written.write_text(f"{pid} {started_at(pid)}\n")
    written.replace(pid_file)


def become(user: str, needed_paths: list[Path]) -> None:
    """Change from root to the user; folders that only root may enter stay enterable.

    A checkout below /root or a `mktemp -d` folder is closed to other users. Opening it to
    everybody would change what is not ours, so the process keeps the one capability instead.
    """
    account = pwd.getpwnam(user)
    closed = not all(enterable_by_others(path) for path in needed_paths)
    if closed:
        # Also access(), by which PostgreSQL looks for its programs, then counts the capability.
        _prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP)
    os.setgroups([])
    os.setresgid(account.pw_gid, account.pw_gid, account.pw_gid)
    os.setresuid(account.pw_uid, account.pw_uid, account.pw_uid)
    if closed:
        _keep_capability(_CAP_DAC_OVERRIDE)


def enterable_by_others(path: Path) -> bool:
    """True when every folder above the path may be passed by any user."""
    return all(parent.stat().st_mode & 0o001 for parent in path.resolve().parents)


def _keep_capability(capability: int) -> None:
    mask = 1 << capability
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    effective_permitted_inheritable = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.capset(header, effective_permitted_inheritable) != 0:
        raise OSError(ctypes.get_errno(), "cannot keep the right to enter closed folders")
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability)


def _prctl(option: int, *arguments: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    padded = [ctypes.c_ulong(value) for value in (*arguments, 0, 0, 0, 0)[:4]]
    if libc.prctl(option, *padded) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}) failed")


def die_with_parent(signal_name: str, parent: int) -> None:
    """Ask the kernel to send the signal when the starter dies, however it dies (Linux)."""
    if sys.platform != "linux":
        return
    _prctl(_PR_SET_PDEATHSIG, signal.Signals[f"SIG{signal_name}"])
    if os.getppid() != parent:  # it died before the request was made
        sys.exit(1)


def remove_stale_postmaster_pid(data: Path) -> None:
    """Remove what a killed PostgreSQL left behind, when its pid now belongs to another program.

    PostgreSQL refuses to start while *any* process has the recorded pid; after a restart of
    the machine or container small pids come back to life as something else.
    """
    lock = data / "postmaster.pid"
    try:
        pid = int(lock.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return
    if not is_postmaster_of(pid, data):
        lock.unlink(missing_ok=True)


def is_postmaster_of(pid: int, data: Path) -> bool:
    """True when the process runs a PostgreSQL in this data folder."""
    return f"postgres -D {data} " in _command_line(pid)


def _command_line(pid: int) -> str:
    if Path("/proc/self").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            return ""
    asked = ["ps", "-o", "args=", "-p", str(pid)]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout


def main() -> None:
    """Parse the options before `--` and exec what stands after it."""
    parser = argparse.ArgumentParser(prog="launch")
    parser.add_argument("--pid-file", type=Path, required=True)
    parser.add_argument("--user", help="drop root to this user; ignored when not root")
    parser.add_argument("--reaches", type=Path, action="append", default=[], help="a path it needs")
    parser.add_argument("--postgres-data", type=Path)
    parser.add_argument("--death-signal", help="sent when the starter dies: TERM, INT, KILL …")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    parent = os.getppid()
    record_pid(options.pid_file, os.getpid())
    if options.postgres_data:
        remove_stale_postmaster_pid(options.postgres_data)
    if options.user and os.geteuid() == 0:
        become(options.user, [Path(options.command[0]), *options.reaches])
    if options.death_signal:  # after the change of user, which would clear the request
        die_with_parent(options.death_signal, parent)
    os.execv(options.command[0], options.command)


if __name__ == "__main__":
    main()
