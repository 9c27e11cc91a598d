"""Everything that the installation fetches, in one file, for a machine without a network.

It holds what stands below `.run/bundle`: wheels, uv's among them, and Kafka's jars. Unpacked in
a checkout it is used from then on.
"""

import hashlib
import json
import platform
import shutil
import sys
import tarfile
from pathlib import Path
from typing import Any

from install.places import CHECKOUT, LOCK, RUN, InstallationError

FOLDER = RUN / "bundle"
WHEELS, JARS = FOLDER / "wheels", FOLDER / "jars"
FITS = FOLDER / "fits.json"
# Python before 3.11.4 knows no filters.
_INSIDE: Any = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
# Commands of uv that fetch packages.
_FETCHING = (("pip", "sync"), ("pip", "install"))


def is_there() -> bool:
    """True where a bundle was unpacked."""
    return FITS.exists()


def links() -> list[str]:
    """Options by which pip and uv take the bundle's wheels and nothing else."""
    return ["--no-index", "--find-links", str(WHEELS)] if is_there() else []


def put_before(arguments: tuple[str, ...]) -> list[str]:
    """The arguments of uv, with those options where it would fetch."""
    told = links() if arguments[:2] in _FETCHING else []
    return [*arguments[:2], *told, *arguments[2:]]


def this_machine() -> dict[str, str]:
    """What the wheels depend on: the machine, and what is locked."""
    python = ".".join(str(number) for number in sys.version_info[:2])
    lock = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    return {
        "python": python,
        "system": sys.platform,
        "machine": platform.machine(),
        "lock": lock,
    }


def what_it_fits() -> str:
    """In words, beside what is here."""
    made, here = json.loads(FITS.read_text()), this_machine()
    return f"it was made for {_words(made)}, and this is {_words(here)}"


def refuse_foreign() -> None:
    """Say at once that it does not fit, instead of the first wheel that is missing."""
    if is_there() and json.loads(FITS.read_text()) != this_machine():
        raise InstallationError(
            f"The bundle does not fit: {what_it_fits()}."
            " Make one of this checkout on a machine like this, or remove .run/bundle."
        )


def _leads_out(member: tarfile.TarInfo) -> bool:
    """What the filter refuses, where there is none."""
    inside = not member.name.startswith("/") and ".." not in member.name.split("/")
    return not (inside and (member.isfile() or member.isdir()))


def unpack(archive: Path) -> None:
    """Put an archive's content in its place."""
    if not archive.is_file():
        raise InstallationError(f"There is no bundle {archive}; `make bundle` makes one.")
    shutil.rmtree(FOLDER, ignore_errors=True)
    try:
        with tarfile.open(archive) as opened:
            if not _INSIDE and any(map(_leads_out, opened)):
                raise tarfile.TarError("a name leads out of it")
            opened.extractall(CHECKOUT, **_INSIDE)
    except tarfile.TarError as failure:
        raise InstallationError(f"{archive} is not a whole bundle: {failure}.") from failure
    if not is_there():
        raise InstallationError(f"{archive} is no bundle of Channelbus.")


def pack(archive: Path) -> None:
    """Write the archive, whole or not at all."""
    FITS.write_text(json.dumps(this_machine()) + "\n")
    unfinished = archive.with_name(archive.name + ".new")
    with tarfile.open(unfinished, "w") as opened:
        opened.add(FOLDER, FOLDER.relative_to(CHECKOUT))
    unfinished.replace(archive)


def _words(machine: dict[str, str]) -> str:
    where = f"Python {machine['python']} on {machine['system']} {machine['machine']}"
    return f"{where} with requirements.lock {machine.get('lock')}"
