"""Kafka's jars: resolved by jgo, pinned by SHA-256 in `deploy/kafka`, cached by the user."""

import hashlib
import os
import re
import shutil
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import platformdirs
import truststore

from testkit.embedded.maven import maven_mirror

CHECKOUT = Path(__file__).resolve().parents[4]
SPECIFICATION = CHECKOUT / "deploy" / "kafka" / "jgo.toml"
LOCK = CHECKOUT / "deploy" / "kafka" / "jgo.lock.toml"

# Where an unpacked bundle (`make bundle`) has them.
BUNDLED = CHECKOUT / ".run" / "bundle" / "jars"

DOWNLOADS_AT_ONCE = 8
DOWNLOAD_ATTEMPTS_MAX = 4
DOWNLOAD_PAUSE_SECONDS = 1.0
DOWNLOAD_TIMEOUT_SECONDS = 30

Progress = Callable[[int, int], None]
"""Called with the jars that are there and the jars that are needed."""


class JarMismatchError(RuntimeError):
    """A jar is not the one that was locked."""


class JarNotFetchedError(RuntimeError):
    """A jar could not be downloaded; the message says from where, and what mends it."""


@dataclass(frozen=True)
class LockedJar:
    """One line of the lock."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """Its name in the cache."""
        return f"{self.artifact}-{self.version}.jar"


def locked_jars(lock: Path = LOCK) -> list[LockedJar]:
    """The jars of the lock, in its order."""
    entries = tomllib.loads(lock.read_text())["dependencies"]
    return [
        LockedJar(entry["groupId"], entry["artifactId"], entry["version"], entry["sha256"])
        for entry in entries
    ]


def kafka_version(jars: list[LockedJar]) -> str:
    """The version of the broker among them."""
    return next(jar.version for jar in jars if jar.artifact.startswith("kafka_"))


def cache_folder() -> Path:
    """Where downloads are kept: CHANNELBUS_CACHE_DIR, else the user's cache folder."""
    chosen = os.environ.get("CHANNELBUS_CACHE_DIR")
    return Path(chosen) if chosen else platformdirs.user_cache_path("channelbus")


def ensure_jars(progress: Progress = lambda _there, _needed: None) -> list[Path]:
    """The paths of all locked jars, verified; those that are missing or damaged are fetched."""
    jars = locked_jars()
    folder = cache_folder() / f"kafka-{kafka_version(jars)}"
    folder.mkdir(parents=True, exist_ok=True)
    missing = [jar for jar in jars if _sha256(folder / jar.file_name) != jar.sha256]
    if missing:
        _fetch(missing, folder, len(jars), progress)
    return [folder / jar.file_name for jar in jars]


def _fetch(missing: list[LockedJar], folder: Path, needed: int, progress: Progress) -> None:
    there = needed - len(missing)
    progress(there, needed)
    with (
        tempfile.TemporaryDirectory(prefix=".download-", dir=folder) as scratch,
        ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool,
    ):
        for _ in pool.map(lambda jar: _fetch_one(jar, folder, Path(scratch)), missing):
            there += 1
            progress(there, needed)


def _fetch_one(jar: LockedJar, folder: Path, scratch: Path) -> None:
    fetched = _download(jar, scratch)
    found = _sha256(fetched)
    if found != jar.sha256:
        raise JarMismatchError(f"{jar.file_name}: locked {jar.sha256}, the registry gave {found}")
    fetched.replace(folder / jar.file_name)


def copy_jars(target: str) -> None:
    """Put all jars into a folder, for a bundle."""
    Path(target).mkdir(parents=True, exist_ok=True)
    for jar in ensure_jars():
        shutil.copy(jar, target)


def _download(jar: LockedJar, scratch: Path) -> Path:
    if (BUNDLED / jar.file_name).exists():
        return Path(shutil.copy(BUNDLED / jar.file_name, scratch))
    # Before requests makes its own: the certificates that this machine trusts.
    truststore.inject_into_ssl()
    from jgo.maven import MavenContext
    from requests import RequestException

    mirror = maven_mirror()
    context = MavenContext(
        repo_cache=scratch,
        timeout=DOWNLOAD_TIMEOUT_SECONDS,
        remote_repos={"central": mirror} if mirror else None,
    )
    artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact()
    for attempt in range(1, DOWNLOAD_ATTEMPTS_MAX + 1):
        try:
            return Path(artifact.resolve())
        except (RequestException, OSError, RuntimeError) as failure:
            if attempt == DOWNLOAD_ATTEMPTS_MAX:
                raise JarNotFetchedError(_not_fetched(jar, mirror, failure)) from failure
            (scratch / artifact.filename).unlink(missing_ok=True)
            time.sleep(DOWNLOAD_PAUSE_SECONDS * attempt)
    raise AssertionError("unreachable: the last attempt returns or raises")


def _not_fetched(jar: LockedJar, mirror: str | None, failure: Exception) -> str:
    """Without the mirror's password."""
    where = re.sub(r"//[^/@]*@", "//", mirror) if mirror else "Maven's central repository"
    return (
        f"{jar.file_name} was not fetched from {where} ({type(failure).__name__}). Name your"
        " company's mirror in CHANNELBUS_MAVEN_MIRROR or in ~/.m2/settings.xml, a proxy in"
        " HTTPS_PROXY; without a network use a bundle: make up BUNDLE=channelbus-bundle.tar"
    )


def _sha256(path: Path) -> str | None:
    try:
        with path.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def relock() -> int:
    """Resolve the specification again and write the lock; the number of jars."""
    from jgo.env import EnvironmentSpec, LockFile
    from jgo.maven import MavenContext

    specification = EnvironmentSpec.load(SPECIFICATION)
    with tempfile.TemporaryDirectory() as scratch:
        context = MavenContext(repo_cache=Path(scratch), timeout=DOWNLOAD_TIMEOUT_SECONDS)
        asked = [context.create_dependency(each) for each in specification.coordinates]
        inputs, transitive = context.resolver.resolve(asked)
        dependencies = sorted(inputs + transitive, key=lambda each: (each.groupId, each.artifactId))
        LockFile.from_resolved_dependencies(dependencies, environment_name=specification.name).save(
            LOCK
        )
    return len(dependencies)


if __name__ == "__main__":
    sys.stdout.write(f"{relock()} jars locked in {LOCK.relative_to(CHECKOUT)}\n")
