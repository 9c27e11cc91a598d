"""Base backups and the write-ahead log in one folder, by PostgreSQL's own programs.

The folder has `base/NAME/` for each base backup and `wal/` for the segments that `pg_receivewal`
streams. All databases of a deployment lie in one server, so one instant is one instant for all.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

SLOT = "channelbus_backup"
SEGMENT_BYTES = 16 * 1024**2  # PostgreSQL's default; initdb --wal-segsize changes it
SEGMENTS_PER_FILE_NUMBER = 0x1_0000_0000 // SEGMENT_BYTES
COMMAND_SECONDS_MAX = 24 * 3600
_SEGMENT = re.compile(r"[0-9A-F]{24}").fullmatch
_START = re.compile(r"START WAL LOCATION: .* \(file ([0-9A-F]{24})\)")


class BackupError(Exception):
    """Something that a restore needs is not there or torn; the text says what."""


@dataclass(frozen=True)
class Store:
    """A folder of backups."""

    folder: Path

    @property
    def wal(self) -> Path:
        """The log's segments."""
        return self.folder / "wal"

    def bases(self) -> list[Path]:
        """The whole base backups, the oldest first."""
        found = (self.folder / "base").glob("[0-9]*Z")
        return sorted(path for path in found if (path / "backup_manifest").exists())

    def segments(self) -> list[str]:
        """The names of the log's whole segments, in their order."""
        return sorted(path.name for path in self.wal.glob("*") if _SEGMENT(path.name))


def take_base(url: str, store: Store, programs: str, clock: Callable[[], datetime]) -> Path:
    """A base backup, whole or not at all, verified; its name is the instant at which it ended.

    Recovery can stop at no earlier instant: a base backup is only consistent from its end on.
    """
    unfinished = store.folder / "base" / "unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    run(
        [program(programs, "pg_basebackup"), "--dbname", url, "--pgdata", str(unfinished),
         "--checkpoint=fast", "--wal-method=none", "--no-password"]
    )  # fmt: skip
    ended = clock().astimezone(UTC)
    verify(unfinished, programs)
    target = unfinished.with_name(f"{ended:%Y%m%dT%H%M%S.%fZ}")
    unfinished.rename(target)
    return target


def stream_wal(url: str, store: Store, programs: str) -> None:
    """Become the program that streams the log until it is stopped."""
    command = receiving(url, store, programs)
    os.execv(command[0], command)


def receiving(url: str, store: Store, programs: str) -> list[str]:
    """The command that streams the log; its slot is there: it keeps what was not streamed yet."""
    store.wal.mkdir(parents=True, exist_ok=True)
    receive = [program(programs, "pg_receivewal"), "--dbname", url, "--no-password",
               "--directory", str(store.wal), "--slot", SLOT]  # fmt: skip
    run([*receive, "--create-slot", "--if-not-exists"])
    return [*receive, "--synchronous"]


def verify(base: Path, programs: str) -> None:
    """Every file of the base backup has the bytes that it was taken with.

    Raises:
        BackupError: one is missing or changed.

    """
    run([program(programs, "pg_verifybackup"), "--no-parse-wal", "--quiet", str(base)])


def check(store: Store, programs: str) -> list[str]:
    """Verify everything that a restore from the newest base backup needs; what was seen.

    Raises:
        BackupError: there is no base backup, or a file or a segment of the log is missing or torn.

    """
    base = newest(store, None)
    verify(base, programs)
    needed = whole_from(_sizes(store), _first_segment(base), str(store.wal))
    return [f"base backup {base.name}: whole", f"log: {len(needed)} segments from {needed[0]} on"]


def newest(store: Store, until: datetime | None) -> Path:
    """The newest base backup that ended before the instant.

    Raises:
        BackupError: there is none.

    """
    named = {base.name: base for base in store.bases()}
    return named[newest_of(list(named), until, str(store.folder))]


def newest_of(names: Sequence[str], until: datetime | None, where: str) -> str:
    """The same, of base backups by their names, the oldest first."""
    if until is not None:
        names = [name for name in names if datetime.fromisoformat(name) < until]
    if not names:
        when = f" before {until.isoformat()}" if until else ""
        raise BackupError(f"{where} has no base backup{when}.")
    return names[-1]


def whole_from(sizes: Mapping[str, int], first: str, where: str) -> list[str]:
    """The segments from the first on, none missing and none torn.

    Raises:
        BackupError: with the name of the first that is.

    """
    there = sorted(name for name in sizes if name[:8] == first[:8] and name >= first)
    if not there or there[0] != first:
        raise BackupError(f"{where} lacks the segment {first}: the log does not reach back.")
    for name in there:
        if name != first:
            raise BackupError(f"{where} lacks the segment {first}: later ones are of no use.")
        if sizes[name] != SEGMENT_BYTES:
            raise BackupError(f"{where}/{name} is torn: {sizes[name]} bytes of {SEGMENT_BYTES}.")
        first = _following(name)
    return there


def restore(store: Store, data: Path, until: datetime | None, programs: str) -> Path:
    """Lay a data folder that recovers to the instant, or to the end of the log, when it is started.

    The server starts without autovacuum, which would take numbers of transactions that
    `channelbus-restore check` still asks for.

    Raises:
        BackupError: what is needed is not there; nothing was written then.

    """
    refuse_to_overwrite(data)
    base = newest(store, until)
    verify(base, programs)
    whole_from(_sizes(store), _first_segment(base), str(store.wal))
    shutil.copytree(base, data, dirs_exist_ok=True)
    prepare_recovery(store, data, until)
    return base


def refuse_to_overwrite(data: Path) -> None:
    """Raises BackupError where there is something."""
    if data.exists() and any(data.iterdir()):
        raise BackupError(f"{data} is not empty: a restore never writes over a database.")


def prepare_recovery(store: Store, data: Path, until: datetime | None) -> None:
    """Say in a data folder from where its server takes the log, and how far."""
    (data / "pg_wal").mkdir(exist_ok=True)
    data.chmod(0o700)
    wal = str(store.wal.resolve()).replace("'", "''")
    # The last segment is still being filled when the server is lost: it has this name until then.
    settings = {
        "restore_command": f'cp "{wal}/%f" "%p" || cp "{wal}/%f.partial" "%p"',
        "recovery_target_action": "promote",
        "autovacuum": "off",
    }
    if until is not None:
        settings["recovery_target_time"] = until.astimezone(UTC).isoformat()
    with (data / "postgresql.auto.conf").open("a") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
    (data / "recovery.signal").touch()


def prune(store: Store, keep: int) -> list[str]:
    """Remove all but the newest base backups, and the log that only those needed; their names."""
    bases = store.bases()
    removed = bases[:-keep] if keep else []
    for base in removed:
        shutil.rmtree(base)
    kept = store.bases()
    first = _first_segment(kept[0]) if kept else ""
    old = [name for name in store.segments() if name < first]
    for name in old:
        (store.wal / name).unlink()
    return [*(base.name for base in removed), *old]


def _first_segment(base: Path) -> str:
    found = _START.search((base / "backup_label").read_text())
    if found is None:
        raise BackupError(f"{base / 'backup_label'} does not say where the log begins.")
    return found[1]


def _sizes(store: Store) -> dict[str, int]:
    return {name: (store.wal / name).stat().st_size for name in store.segments()}


def is_segment(name: str) -> bool:
    """Whether a file of that name is a whole segment of the log."""
    return _SEGMENT(name) is not None


def _following(segment: str) -> str:
    timeline, log, number = segment[:8], int(segment[8:16], 16), int(segment[16:], 16)
    log, number = (log, number + 1) if number + 1 < SEGMENTS_PER_FILE_NUMBER else (log + 1, 0)
    return f"{timeline}{log:08X}{number:08X}"


def program(folder: str, name: str) -> str:
    """Where one of PostgreSQL's programs lies."""
    found = shutil.which(name, path=folder or None)
    if found is None:
        raise BackupError(f"There is no {name}: install PostgreSQL's clients, or name --programs.")
    return found


def run(command: Sequence[str]) -> None:
    """Raises BackupError with what the program said."""
    done = subprocess.run(
        command, env={**os.environ, "LC_ALL": "C"}, capture_output=True, text=True,
        timeout=COMMAND_SECONDS_MAX, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip()[-2000:]
        raise BackupError(f"{Path(command[0]).name} failed: {said}")
