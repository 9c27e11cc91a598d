"""Which part of a list is asked for. Out of range is refused, never clamped.

See docs/domain/wire-protocol.md D.5.
"""

from dataclasses import dataclass

from wire.breach import MALFORMED, Breach, BreachError
from wire.operations import Operation

_DIGITS_MAX = 10


@dataclass(frozen=True, slots=True)
class Page:
    """At most `limit` records from record number `offset` on (an index, not a page number)."""

    limit: int
    offset: int


def check_page(
    operation: Operation, limit: str | int | None = None, offset: str | int | None = None
) -> Page:
    """The page asked for, with the operation's defaults; `BreachError` (CBC.0100) otherwise.

    An operation that is not paged has no page: LookupError. One with markers has offset 0 always.
    """
    if operation.limit_max is None or operation.limit_default is None:
        raise LookupError(f"{operation.method_name} is not paged")
    wanted = _number("limit", limit, operation.limit_min or 0, operation.limit_max)
    start = None
    if operation.offset_max is not None:
        start = _number("offset", offset, 0, operation.offset_max)
    if operation.offset_needs_limit and start is not None and wanted is None:
        raise BreachError(Breach("limit", MALFORMED, "offset goes only together with limit"))
    return Page(operation.limit_default if wanted is None else wanted, start or 0)


def _number(name: str, value: str | int | None, minimum: int, maximum: int) -> int | None:
    """The number, None when it was not given; an empty text is not given."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise BreachError(Breach(name, MALFORMED, "not an integer"))
    if isinstance(value, str):
        if not (value.isascii() and value.isdigit() and len(value) <= _DIGITS_MAX):
            raise BreachError(Breach(name, MALFORMED, "not an integer"))
        value = int(value)
    if not minimum <= value <= maximum:
        raise BreachError(Breach(name, MALFORMED, f"not within {minimum} to {maximum}"))
    return value
