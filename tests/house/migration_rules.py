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
