"""What a version of a database's schema may do."""

import re
from collections.abc import Iterator

from tests.house.checkout import Checkout

_BUILT = re.compile(r"CREATE\s+(?:UNIQUE\s+)?INDEX\b[^;]*?\bON\s+(\S+)", re.IGNORECASE)
_DROPPED = re.compile(r"DROP\s+INDEX\b|\bop\.(?:create|drop)_index\(", re.IGNORECASE)
_MADE = re.compile(r"CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(\S+)", re.IGNORECASE)


def indexes_are_built_beside_writers(checkout: Checkout) -> Iterator[str]:
    """A table that may be large is never kept from its writers; one that is new has none."""
    for path in checkout.paths:
        if not (path.startswith("services/") and "/migrations/versions/" in path):
            continue
        text = checkout.text(path)
        new = set(_MADE.findall(text))
        if _DROPPED.search(text) or any(table not in new for table in _BUILT.findall(text)):
            yield f"{path} builds or drops an index by hand; use chassis.build_indexes"


def versions_stand_in_one_row(checkout: Checkout) -> Iterator[str]:
    """Two branches that take the same number make a schema that nobody can migrate."""
    folders: dict[str, list[str]] = {}
    for path in checkout.python("services"):
        folder, _, name = path.rpartition("/")
        if folder.endswith("/migrations/versions"):
            folders.setdefault(folder, []).append(name)
    for folder, names in folders.items():
        for number, name in enumerate(sorted(names), 1):
            named, above = f"{number:04}", f'"{number - 1:04}"' if number > 1 else "None"
            text = checkout.text(f"{folder}/{name}")
            if not (
                name.startswith(f"{named}_")
                and f'revision = "{named}"\n' in text
                and f"down_revision = {above}\n" in text
            ):
                yield (
                    f"{folder}/{name} is not version {named} after {above}; give it the next free"
                    " number, in its name, `revision` and `down_revision`"
                )
                break
