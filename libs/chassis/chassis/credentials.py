"""Credentials that stand in files and are renewed there: who holds a connection looks at them.

Whoever keeps one for long has a `FilesSeen` of his own, and connects anew when it says so. What a
new connection reads is what the files say then (decision 0116).
"""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import parse_qsl

from chassis.certificates import seconds_left
from chassis.connecting import DatabaseUrl
from chassis.logs import get_logger
from chassis.metrics import CERTIFICATE_EXPIRY
from chassis.settings import ServiceSettings

log = get_logger(__name__)

LOOK_SECONDS_MAX = 5.0
LOOKS_IN_GRACE = 4  # so that there is time left to do what one says


class CredentialsChangedError(Exception):
    """What was connected with is no longer what the files say."""


class FilesSeen:
    """Some files as they were when it was made, or when it said last that they changed."""

    def __init__(self, paths: Iterable[Path], grace_seconds: float):
        self._paths = tuple(paths)
        self.look_seconds = min(grace_seconds / LOOKS_IN_GRACE, LOOK_SECONDS_MAX)
        self._seen = self._marks()
        self._looked_at = time.monotonic()

    def changed(self) -> bool:
        """Whether one of them did; looks from time to time, and costs nothing between."""
        if not self._paths or time.monotonic() - self._looked_at < self.look_seconds:
            return False
        self._looked_at = time.monotonic()
        marks = self._marks()
        if marks is None or marks == self._seen:
            return False
        self._seen = marks
        log.info("credentials changed; connecting anew", files=[str(path) for path in self._paths])
        return True

    def _marks(self) -> list[tuple[int, int, int]] | None:
        """None while one of them is being replaced."""
        try:
            found = [path.stat() for path in self._paths]
        except OSError:
            return None
        return [(one.st_ino, one.st_mtime_ns, one.st_size) for one in found]


def kafka_files(settings: ServiceSettings) -> list[Path]:
    """By which it is shown to Kafka who we are, and to us who Kafka is."""
    named = (settings.kafka_ca_file, settings.kafka_cert_file, settings.kafka_key_file)
    secrets = ("kafka_sasl_username", "kafka_sasl_password")
    return [*(Path(name) for name in named if name), *settings.files_of(*secrets)]


def database_files(settings: ServiceSettings) -> list[Path]:
    """The same for PostgreSQL: of the URL as it is now."""
    said = _said(settings)
    named = (said.get(name) for name in ("sslrootcert", "sslcert", "sslkey"))
    return [*(Path(name) for name in named if name), *settings.files_of("database_url")]


def kafka_seen(settings: ServiceSettings) -> FilesSeen:
    """For whoever is connected to Kafka."""
    return FilesSeen(kafka_files(settings), settings.credentials_grace_seconds)


def database_seen(settings: ServiceSettings) -> FilesSeen:
    """For whoever is connected to the database."""
    return FilesSeen(database_files(settings), settings.credentials_grace_seconds)


def both_seen(settings: ServiceSettings) -> FilesSeen:
    """For whoever is connected to both."""
    paths = [*kafka_files(settings), *database_files(settings)]
    return FilesSeen(paths, settings.credentials_grace_seconds)


def tell_expiries(settings: ServiceSettings) -> None:
    """Export until when each certificate holds; each scrape reads its file."""
    said = _said(settings)
    uses = {
        "kafka": settings.kafka_cert_file,
        "kafka-ca": settings.kafka_ca_file,
        "http": settings.http_cert_file,
        "http-ca": settings.http_ca_file,
        "database": said.get("sslcert"),
        "database-ca": said.get("sslrootcert"),
    }
    for use, name in uses.items():
        if name:
            CERTIFICATE_EXPIRY.labels(use).set_function(_reading(Path(name), use.endswith("-ca")))


def _reading(path: Path, is_ca: bool) -> Callable[[], float]:
    return lambda: seconds_left(path, is_ca=is_ca)


def _said(settings: ServiceSettings) -> dict[str, str]:
    return dict(parse_qsl(DatabaseUrl.read(settings.database_of("any")).query or ""))
