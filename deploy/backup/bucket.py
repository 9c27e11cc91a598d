"""The same in a bucket: base backups and the log as objects of a store that speaks S3.

`base/NAME/` has a base backup, packed, its manifest last: one without it is not whole. `wal/` has
whole segments, and of the one being filled what there was at the last look. The folder beside it is
a spool: the log is streamed there and leaves it when the bucket has it.
"""

import gzip
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from json import loads
from pathlib import Path
from typing import Any

from obstore.exceptions import BaseError
from obstore.store import from_url

from backup.physical import (
    SEGMENT_BYTES,
    BackupError,
    Store,
    is_segment,
    newest_of,
    prepare_recovery,
    program,
    receiving,
    refuse_to_overwrite,
    run,
    verify,
    whole_from,
)

MANIFEST, PACKED = "backup_manifest", "base.tar.gz"
PARTIAL, PARTIAL_PACKED = ".partial", ".partial.gz"
LOOK_SECONDS = 1.0  # how soon a whole segment leaves
STOP_SECONDS_MAX = 30
# Python before 3.11.4 knows no filters, and takes everything as it was packed.
_AS_PACKED: Any = {"filter": "tar"} if hasattr(tarfile, "tar_filter") else {}
_HISTORY = re.compile(r"[0-9A-F]{8}\.history").fullmatch


@dataclass(frozen=True)
class Bucket:
    """Where the backups lie, and the spool before it."""

    url: str
    spool: Store
    objects: Any

    @classmethod
    def at(cls, url: str, spool: Store) -> "Bucket":
        """By its URL, `s3://bucket/prefix`; keys, region and endpoint by AWS_… variables.

        An endpoint without TLS is taken where AWS_ENDPOINT_URL says so.
        """
        options: dict[str, Any] = {}
        if url.startswith("s3:"):
            plain = os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
            options["client_options"] = {"allow_http": plain}
        elif url.startswith("file:"):
            options["mkdir"] = True
        with _told(url):
            return cls(url, spool, from_url(url, **options))

    def sizes(self, folder: str) -> dict[str, int]:
        """Of the objects in one of its folders."""
        with _told(self.url):
            listed = self.objects.list_with_delimiter(folder)
            return {one["path"].rpartition("/")[2]: one["size"] for one in listed["objects"]}

    def bases(self) -> list[str]:
        """The names of the whole base backups, the oldest first."""
        with _told(self.url):
            folders = self.objects.list_with_delimiter("base")["common_prefixes"]
        names = sorted(folder.rstrip("/").rpartition("/")[2] for folder in folders)
        return [name for name in names if MANIFEST in self.sizes(f"base/{name}")]

    def segments(self) -> dict[str, int]:
        """The whole segments of the log, and their sizes."""
        return {name: size for name, size in self.sizes("wal").items() if is_segment(name)}

    def put(self, name: str, content: Path | bytes) -> None:
        """Whole or not at all."""
        with _told(self.url):
            self.objects.put(name, content)

    def fetch(self, name: str, target: Path) -> None:
        """Into a file, in portions; the file is there when all of it is."""
        unfinished = target.with_name(target.name + ".fetched")
        target.parent.mkdir(parents=True, exist_ok=True)
        with _told(self.url), unfinished.open("wb") as file:
            for portion in self.objects.get(name).stream():
                file.write(portion)
        unfinished.rename(target)

    def delete(self, *names: str) -> None:
        """What is not there is no fault."""
        for name in names:
            with _told(self.url), suppress(FileNotFoundError):
                self.objects.delete(name)

    def manifest(self, name: str) -> dict[str, Any]:
        """What a base backup says of itself."""
        with _told(self.url):
            content: dict[str, Any] = loads(
                bytes(self.objects.get(f"base/{name}/{MANIFEST}").bytes())
            )
        return content


@contextmanager
def _told(url: str) -> Iterator[None]:
    try:
        yield
    except (BaseError, OSError, ValueError) as error:
        said = " ".join(str(error).split())[:500]
        raise BackupError(f"{url}: {type(error).__name__}: {said}") from error


def take_base(url: str, bucket: Bucket, programs: str, clock: Callable[[], datetime]) -> str:
    """A base backup, verified here and then put there; its name is the instant of its end."""
    folder = bucket.spool.folder / "base" / "unfinished"
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    run(
        [program(programs, "pg_basebackup"), "--dbname", url, "--pgdata", str(folder),
         "--checkpoint=fast", "--wal-method=none", "--no-password", "--format=tar", "--gzip"]
    )  # fmt: skip
    name = f"{clock().astimezone(UTC):%Y%m%dT%H%M%S.%fZ}"
    if {path.name for path in folder.iterdir()} != {MANIFEST, PACKED}:
        raise BackupError("The server has tablespaces: back it up into a folder.")
    verify(folder, programs)
    for part in (PACKED, MANIFEST):
        bucket.put(f"base/{name}/{part}", folder / part)
    shutil.rmtree(folder)
    return name


def stream_wal(url: str, bucket: Bucket, programs: str, partial_seconds: float) -> None:
    """Stream the log into the spool and ship it, until stopped; at the end ship all there is.

    A bucket that is away stops nothing: the spool grows, and what waits is shipped afterwards.
    """
    process = subprocess.Popen(receiving(url, bucket.spool, programs))
    shipper = Shipper(bucket)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: process.send_signal(signal.SIGINT))
    partial_at = 0.0
    while process.poll() is None:
        with_partial = time.monotonic() >= partial_at
        if with_partial:
            partial_at = time.monotonic() + partial_seconds
        try:
            shipper.ship(with_partial=with_partial)
        except BackupError as error:
            print(f"not shipped, tried again: {error}", file=sys.stderr, flush=True)
        time.sleep(LOOK_SECONDS)
    shipper.ship(with_partial=True)
    if process.returncode:
        raise BackupError(f"pg_receivewal ended with {process.returncode}.")


class Shipper:
    """Brings what is in the spool into the bucket."""

    def __init__(self, bucket: Bucket):
        self._bucket = bucket
        self._there: set[str] | None = None  # before we began
        self._shipped = set[str]()
        self._partial_seen: tuple[str, bytes] | None = None

    def ship(self, *, with_partial: bool) -> None:
        """Whole segments leave the spool; all but the last, from which streaming goes on.

        Raises:
            BackupError: the bucket is away, or has another server's log.

        """
        if self._there is None:
            self._there = set(self._bucket.segments())
        wal = self._bucket.spool.wal
        for path in sorted(wal.glob("*.history")):
            self._bucket.put(f"wal/{path.name}", path)
        names = self._bucket.spool.segments()
        for name in names:
            if (wal / name).stat().st_size != SEGMENT_BYTES:
                raise BackupError(f"{wal / name} is torn, and was not shipped.")
            self._put(name)
        for name in names[:-1]:
            (wal / name).unlink()
        if with_partial:
            self._put_partial()

    def _put(self, name: str) -> None:
        if name in self._shipped:
            return
        assert self._there is not None
        content = (self._bucket.spool.wal / name).read_bytes()
        if name not in self._there:
            self._bucket.put(f"wal/{name}", content)
        elif not self._has(name, content):
            raise BackupError(
                f"{self._bucket.url}/wal/{name} is another server's: name another prefix."
            )
        self._bucket.delete(f"wal/{name}{PARTIAL_PACKED}")
        self._shipped.add(name)

    def _has(self, name: str, content: bytes) -> bool:
        with _told(self._bucket.url):
            return bytes(self._bucket.objects.get(f"wal/{name}").bytes()) == content

    def _put_partial(self) -> None:
        for path in self._bucket.spool.wal.glob(f"*{PARTIAL}"):
            try:
                content = path.read_bytes()
            except FileNotFoundError:  # it became whole: the next look ships it
                continue
            if self._partial_seen == (path.name, content):
                continue
            self._bucket.put(f"wal/{path.name}.gz", gzip.compress(content, 1))
            self._partial_seen = (path.name, content)


def check(bucket: Bucket, programs: str) -> list[str]:
    """Fetch the newest base backup and verify it, and that no segment behind it is missing.

    Raises:
        BackupError: there is none, or something of it or of the log is missing or torn.

    """
    name = newest_of(bucket.bases(), None, bucket.url)
    with _fetched(bucket, name) as folder:
        verify(folder, programs)
    needed = _log_of(bucket, name)
    return [f"base backup {name}: whole", f"log: {len(needed)} segments from {needed[0]} on"]


def restore(bucket: Bucket, data: Path, until: datetime | None, programs: str) -> str:
    """Lay a data folder, and fetch the log into the spool, from where its server takes it.

    Of the segment being filled, what the spool still has is newer than what the bucket has.

    Raises:
        BackupError: what is needed is not there; nothing was written into `data` then.

    """
    refuse_to_overwrite(data)
    name = newest_of(bucket.bases(), until, bucket.url)
    needed = _log_of(bucket, name)
    wal = bucket.spool.wal
    with _fetched(bucket, name) as folder:
        verify(folder, programs)
        for segment in needed:
            if not (wal / segment).exists():
                bucket.fetch(f"wal/{segment}", wal / segment)
        for other in bucket.sizes("wal"):
            if _HISTORY(other):
                bucket.fetch(f"wal/{other}", wal / other)
            elif other.endswith(PARTIAL_PACKED):
                _unpack(bucket, other, wal / other.removesuffix(".gz"))
        data.mkdir(parents=True, exist_ok=True)
        with tarfile.open(folder / PACKED) as packed:
            packed.extractall(data, **_AS_PACKED)
    prepare_recovery(bucket.spool, data, until)
    return name


def prune(bucket: Bucket, keep: int) -> list[str]:
    """Remove all but the newest base backups, and the log that only those needed; their names."""
    bases = bucket.bases()
    removed = bases[:-keep]
    for name in removed:  # the manifest first: what is left of one that is broken off is no backup
        bucket.delete(f"base/{name}/{MANIFEST}", f"base/{name}/{PACKED}")
    kept = bases[-keep:]
    first = _first_segment(bucket.manifest(kept[0])) if kept else ""
    old = [name for name in sorted(bucket.segments()) if name < first]
    bucket.delete(*(f"wal/{name}" for name in old))
    return [*removed, *old]


@contextmanager
def _fetched(bucket: Bucket, name: str) -> Iterator[Path]:
    """A base backup in the spool, while it is looked at."""
    folder = bucket.spool.folder / "fetched"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        for part in (MANIFEST, PACKED):
            bucket.fetch(f"base/{name}/{part}", folder / part)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _log_of(bucket: Bucket, name: str) -> list[str]:
    first = _first_segment(bucket.manifest(name))
    return whole_from(bucket.segments(), first, f"{bucket.url}/wal")


def _first_segment(manifest: dict[str, Any]) -> str:
    begin = manifest["WAL-Ranges"][0]
    log, _, within = begin["Start-LSN"].partition("/")
    return f"{begin['Timeline']:08X}{int(log, 16):08X}{int(within, 16) // SEGMENT_BYTES:08X}"


def _unpack(bucket: Bucket, name: str, target: Path) -> None:
    """Unless the spool has it, or the whole one."""
    if target.exists() or target.with_suffix("").exists():
        return
    packed = target.with_name(name)
    bucket.fetch(f"wal/{name}", packed)
    target.write_bytes(gzip.decompress(packed.read_bytes()))
    packed.unlink()
