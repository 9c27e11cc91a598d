"""What the system was started with, to tell what a repeated start has to do."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from testkit.embedded.jars import CHECKOUT

_CODE = ("libs/*/*/**/*", "services/*/*/**/*")
_MIGRATIONS = ("services/*/*/migrations/**/*.py", "services/*/*/**/models.py",
               "services/*/*/**/tables.py", "libs/chassis/chassis/tables.py",
               "libs/chassis/chassis/migrations.py")  # fmt: skip
_NOT_RUN = ("libs/testkit/",)


def of_code() -> str:
    """Changes when a file that a service may load changes."""
    return _of_files(_files(_CODE), by_content=False)


def of_migrations() -> str:
    """Changes when a migration or a table changes."""
    return _of_files(_files(_MIGRATIONS), by_content=True)


def of_text(text: str) -> str:
    """A short mark of any text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _files(patterns: Iterable[str]) -> list[Path]:
    found = {path for pattern in patterns for path in CHECKOUT.glob(pattern)}
    return sorted(
        path
        for path in found
        if path.is_file()
        and path.suffix != ".pyc"
        and not str(path.relative_to(CHECKOUT)).startswith(_NOT_RUN)
    )


def _of_files(paths: list[Path], *, by_content: bool) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(str(path.relative_to(CHECKOUT)).encode())
        if by_content:
            digest.update(path.read_bytes())
        else:
            stat = path.stat()
            digest.update(f"{stat.st_size} {stat.st_mtime_ns}".encode())
    return digest.hexdigest()[:16]
