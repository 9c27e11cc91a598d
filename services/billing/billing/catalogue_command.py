"""`billing catalogue check|compare|load FILE`: prices looked at before anything is sold by them."""

import argparse
import os
import sys
import tomllib
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from tempfile import NamedTemporaryFile

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from billing.prices.catalogue import Catalogue
from billing.prices.compare_catalogues import Change, compare_catalogues
from billing.prices.toml_lines import TomlLines
from chassis.cli import Verb

GOOD, OTHER, FAULTY = 0, 1, 2
SHOWN_MAX = 200  # of a message about a value

_ABOUT = """\
Looks at a file of products and prices without a database and without the running service.

  check FILE     whether it can be read and fits together; each fault with its line
  compare FILE   what it would change against the catalogue in use, row by row; --with names another
  load FILE      the same, then puts it in the place that CATALOGUE_FILE names, as a whole or not at
                 all; the service takes it when it is started again

The catalogue in use is the file that CATALOGUE_FILE names, else the one that comes with billing.
A line of a comparison begins with + for a row that is new, ~ changed, - gone; ! before it marks
what rewrites the past: a price that holds already is changed by a new row with a date ahead, never
by an edit, since bills of the past are explained by the old one.

Exit status: 0 good, or the same, or loaded; 1 it differs (compare), or nothing was loaded (load);
2 the file has faults, cannot be read, or was not found.
"""


class _Settings(BaseSettings):
    """What of billing's settings names the catalogue."""

    model_config = SettingsConfigDict(env_ignore_empty=True)

    catalogue_file: Path | None = None


class _FaultyError(Exception):
    """The file is no catalogue; a line for each fault."""


class _Read:
    """A file that is a catalogue."""

    def __init__(self, path: Path | None):
        self.name = "the catalogue that comes with billing" if path is None else f"{path}"
        whole = path or files("billing.prices").joinpath("catalogue.toml")
        try:
            self.text = whole.read_bytes()
            written = self.text.decode("utf-8").replace("\r\n", "\n")
            values = tomllib.loads(written)
        except OSError as error:
            raise _FaultyError(f"{self.name}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            line = self.text.count(b"\n", 0, error.start) + 1
            raise _FaultyError(f"{self.name}:{line}: no UTF-8") from error
        except tomllib.TOMLDecodeError as error:  # it says the line
            raise _FaultyError(f"{self.name}: {error}") from error
        self.lines = TomlLines(written)
        try:
            self.catalogue = Catalogue.model_validate(values)
        except ValidationError as error:
            raise _FaultyError("\n".join(self._faults(error))) from error

    def _faults(self, error: ValidationError) -> list[str]:
        found = []
        for one in error.errors(include_url=False, include_context=False):
            line = self.lines.of(one["loc"])
            where = f"{self.name}:{line}" if line else self.name
            place = ".".join(f"{part}" for part in one["loc"]) or "the file"
            found.append((line or 0, f"{where}: {place}: {one['msg'][:SHOWN_MAX]}"))
        return [told for _, told in sorted(found)]


def _arguments(parser: argparse.ArgumentParser) -> None:
    deeds = parser.add_subparsers(dest="deed", required=True)
    for name, words in (
        ("check", "whether the file is good; each fault with its line"),
        ("compare", "what it would change"),
        ("load", "say what would change, and put it in the place of the catalogue in use"),
    ):
        deed = deeds.add_parser(name, help=words)
        deed.add_argument("file", type=Path)
        if name == "compare":
            deed.add_argument("--with", dest="other", type=Path, help="in place of that in use")
        if name == "load":
            deed.add_argument("--yes", action="store_true", help="do not ask")
            deed.add_argument(
                "--rewrite-past", action="store_true", help="also where prices of the past change"
            )


def _run(arguments: argparse.Namespace, now: datetime) -> int:
    used = _Settings().catalogue_file
    try:
        new = _Read(arguments.file)
        if arguments.deed == "check":
            count = len(new.catalogue.products)
            print(f"{new.name}: good, {count} products")
            return GOOD
        old = _Read(arguments.other if arguments.deed == "compare" and arguments.other else used)
    except _FaultyError as faults:
        print(faults, file=sys.stderr)
        return FAULTY
    changes = compare_catalogues(old.catalogue, new.catalogue, now)
    _tell(old, new, changes)
    if arguments.deed == "compare":
        return OTHER if changes else GOOD
    return _load(new, used, changes, arguments)


def _tell(old: _Read, new: _Read, changes: list[Change]) -> None:
    for one in changes:
        line = new.lines.of(one.place) if one.place is not None else None
        where = f" (line {line})" if line else ""
        print(f"{'!' if one.rewrites else ' '}{one.sign} {one.what}{where}: {one.told}")
    past = sum(one.rewrites for one in changes)
    print(f"{new.name} against {old.name}: {len(changes)} changes, {past} of them in the past")


def _load(
    new: _Read, used: Path | None, changes: list[Change], arguments: argparse.Namespace
) -> int:
    refusal = None
    if used is None:
        refusal = "CATALOGUE_FILE names no file to put it"
    elif not changes:
        print("nothing to load")
        return GOOD
    elif any(one.rewrites for one in changes) and not arguments.rewrite_past:
        refusal = "it rewrites the past; --rewrite-past loads it nevertheless"
    elif not (arguments.yes or _agreed()):
        refusal = "nobody said yes"
    if refusal is None:
        assert used is not None
        try:
            _replace(used, new.text)
        except OSError as error:
            refusal = f"{used}: {error.strerror}"
    if refusal is not None:
        print(f"nothing was loaded: {refusal}", file=sys.stderr)
        return OTHER
    print(f"{used}: loaded; billing takes it when it is started again")
    return GOOD


def _agreed() -> bool:
    return sys.stdin.isatty() and input("load it? yes or no: ").strip() == "yes"


def _replace(used: Path, text: bytes) -> None:
    """As a whole: whoever reads it meanwhile reads the old one or the new one."""
    with NamedTemporaryFile(dir=used.parent, delete=False) as made:
        try:
            made.write(text)
            made.flush()
            os.fsync(made.fileno())
            mode = used.stat().st_mode & 0o777 if used.exists() else 0o644
            Path(made.name).chmod(mode)
            Path(made.name).replace(used)
        except BaseException:
            Path(made.name).unlink(missing_ok=True)
            raise


CATALOGUE = Verb(
    name="catalogue",
    words="check a file of prices, say what it would change, and load it",
    about=_ABOUT,
    add_arguments=_arguments,
    run=_run,
)
