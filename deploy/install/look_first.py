"""What would stop the installation half-way, looked at before it begins."""

import os
import shutil
import sys
from pathlib import Path

from install.places import CHECKOUT, InstallationError

PYTHON_MINIMUM = (3, 11)
VENV_BYTES_MIN = 1_500_000_000  # .venv, with its packages in uv's cache
GIGABYTE = 1_000_000_000


def look_first() -> None:
    """Raise InstallationError for what cannot go well."""
    if sys.version_info < PYTHON_MINIMUM:
        shown = ".".join(str(number) for number in sys.version_info[:3])
        raise InstallationError(
            f"Channelbus needs Python 3.11 or newer, and {sys.executable} is {shown}:"
            " name another one, PYTHON=python3.12 make up."
        )
    for path in (CHECKOUT, Path(os.environ.get("UV_CACHE_DIR") or Path.home())):
        refuse_full_disk(path, VENV_BYTES_MIN)


def refuse_full_disk(path: Path, needed_bytes: int) -> None:
    """Raise InstallationError when the disk that holds the path has not that much left."""
    there = next(folder for folder in (path, *path.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    if free < needed_bytes:
        raise InstallationError(
            f"The disk of {there} has {free / GIGABYTE:.1f} GB left, and"
            f" {needed_bytes / GIGABYTE:.1f} GB are needed: make room there."
        )
