"""`python -m backup`: base backups, the log, their check, and a restore to an instant."""

import argparse
import os
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from backup import bucket, logical, physical
from backup.bucket import Bucket
from backup.physical import BackupError, Store

_ABOUT = """\
Backs a deployment's PostgreSQL up into a folder or a bucket, by PostgreSQL's own programs.

  wal       stream the log; runs until it is stopped (a service of its own, beside the server)
  base      take a base backup, verified (daily)
  check     verify the newest base backup and the log behind it; exit 1 when something is missing
  restore   lay a data folder that recovers to an instant, or to the end of the log
  prune     remove all but the newest base backups, and the log that only those needed
  dump      the second way: each database into a file of its own; of no common instant
  load      what dump wrote, into databases that are not there yet

With --bucket s3://NAME/PREFIX the folder is a spool before it; AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY, AWS_REGION and, elsewhere than at AWS, AWS_ENDPOINT_URL say the rest.
DATABASE_URL names the server; the login needs REPLICATION for wal and base. After a restore start
PostgreSQL alone, and run `channelbus-restore check` before any service: docs/restore.md.
"""


NO_URL = "Set DATABASE_URL to the server, postgresql://user:password@host:port."
NEXT = "start PostgreSQL on it, then channelbus-restore check"
VERBS = ("wal", "base", "check", "restore", "prune", "dump", "load")


def main() -> None:
    """Parse the command line and run."""
    arguments = _parser().parse_args()
    store = Store(arguments.folder)
    try:
        there = Bucket.at(arguments.bucket, store) if arguments.bucket else None
        said = _run_there(arguments, there) if there else _run(arguments, store)
    except BackupError as error:
        if arguments.verb == "check":
            with suppress(BackupError):  # where even that is unknown, nothing was told
                _tell_prometheus(store, _newest(store, arguments.bucket), failed=True)
        sys.exit(str(error))
    if arguments.verb == "check":
        _tell_prometheus(store, _newest(store, arguments.bucket), failed=False)
    print("\n".join(said))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m backup",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("verb", choices=VERBS)
    parser.add_argument("--folder", type=Path, required=True, help="where the backups lie")
    parser.add_argument("--bucket", help="where they lie instead: s3://NAME/PREFIX")
    parser.add_argument(
        "--partial-seconds", type=float, default=60,
        help="wal with --bucket: how often the segment being filled is shipped (60)",
    )  # fmt: skip
    parser.add_argument("--data", type=Path, help="restore: the data folder to be laid")
    parser.add_argument("--until", type=_instant, help="restore: an instant, 2026-11-30T12:00:00Z")
    parser.add_argument("--keep", type=int, default=7, help="prune: how many base backups (7)")
    parser.add_argument("--prefix", default="channelbus_", help="dump: databases of that prefix")
    parser.add_argument("--programs", default="", help="the folder of pg_basebackup and the others")
    return parser


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise argparse.ArgumentTypeError("an instant has a zone: 2026-11-30T12:00:00Z")
    return found


def _run_there(told: argparse.Namespace, there: Bucket) -> list[str]:
    url, programs = os.environ.get("DATABASE_URL", ""), told.programs
    if told.verb in {"wal", "base"} and not url:
        raise BackupError(NO_URL)
    match told.verb:
        case "wal":
            bucket.stream_wal(url, there, programs, told.partial_seconds)
            return []
        case "base":
            return [bucket.take_base(url, there, programs, lambda: datetime.now(UTC))]
        case "check":
            return bucket.check(there, programs)
        case "prune":
            return bucket.prune(there, max(1, told.keep))
        case "restore":
            base = bucket.restore(there, _data(told), told.until, programs)
            return [f"laid from {base}: {NEXT}"]
        case _:
            raise BackupError(f"{told.verb} writes and reads a folder: leave --bucket out.")


def _run(told: argparse.Namespace, store: Store) -> list[str]:
    url, programs = os.environ.get("DATABASE_URL", ""), told.programs
    if told.verb in {"wal", "base", "dump", "load"} and not url:
        raise BackupError(NO_URL)
    match told.verb:
        case "wal":
            physical.stream_wal(url, store, programs)
            return []
        case "base":
            return [str(physical.take_base(url, store, programs, lambda: datetime.now(UTC)))]
        case "check":
            return physical.check(store, programs)
        case "prune":
            return physical.prune(store, max(1, told.keep))
        case "restore":
            base = physical.restore(store, _data(told), told.until, programs)
            return [f"laid from {base.name}: {NEXT}"]
        case "dump":
            return logical.dump(url, store.folder, told.prefix, programs)
        case _:
            return logical.load(url, store.folder, programs)


def _data(told: argparse.Namespace) -> Path:
    if told.data is None:
        raise BackupError("Name the data folder to be laid: --data FOLDER.")
    data: Path = told.data
    return data


def _newest(store: Store, url: str | None) -> float:
    names = Bucket.at(url, store).bases() if url else [base.name for base in store.bases()]
    return max((datetime.fromisoformat(name).timestamp() for name in names), default=0)


def _tell_prometheus(store: Store, newest: float, *, failed: bool) -> None:
    """For the text file collector of Prometheus' node exporter."""
    store.folder.mkdir(parents=True, exist_ok=True)
    unfinished = store.folder / "channelbus_backup.prom.part"
    unfinished.write_text(
        f"channelbus_backup_last_base_seconds {newest:.0f}\n"
        f"channelbus_backup_checked_seconds {time.time():.0f}\n"
        f"channelbus_backup_check_failed {int(failed)}\n"
    )
    unfinished.rename(store.folder / "channelbus_backup.prom")


if __name__ == "__main__":
    main()
