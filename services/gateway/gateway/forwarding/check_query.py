"""Check a query before it is parsed: repeated parameters, broken UTF-8, NUL.

A service's framework drops repeats and replaces broken UTF-8, so a service cannot see them, and no
database stores NUL.
"""

import re
from urllib.parse import unquote_to_bytes

from chassis.errors import BadFieldError
from wire import check as wire_check
from wire import routing
from wire.operations import Operation

NAME_CHARACTERS_MAX = 64  # told of a name that nobody knows
_NO_TEXT = "characters that no text may hold"
# An escaped backslash before it makes the rest plain letters.
_has_nul = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000").search


def check_query(operation: Operation, raw_query: bytes) -> None:
    """Refuse a parameter that is no list and comes twice, and text that is no UTF-8.

    Raises:
        BadFieldError: with the parameter's name; parameters that the table lacks are ignored.

    """
    if not raw_query:
        return
    seen: set[str] = set()
    many = {field.name: field.many for field in operation.query}
    for piece in raw_query.split(b"&"):
        raw_name, _, raw_value = piece.replace(b"+", b" ").partition(b"=")
        name = unquote_to_bytes(raw_name).decode(errors="replace")
        if name not in many:
            continue
        if name in seen and not many[name]:
            raise BadFieldError(name, "given more than once")
        seen.add(name)
        try:
            unquote_to_bytes(raw_value).decode()
        except UnicodeDecodeError:
            raise BadFieldError(name, "no UTF-8") from None


def check_path(operation: Operation, raw_path: bytes) -> None:
    """Refuse a path parameter that is no value: unset, too long, with NUL or an encoded slash.

    Raises:
        BadFieldError: with the parameter's name.

    """
    if not operation.path_fields:
        return
    found = routing.match(operation.http_method, raw_path)
    for breach in wire_check.check_path(operation, found.path_params if found else {}):
        raise BadFieldError(breach.field, breach.reason)


def check_texts(raw_path: bytes, raw_query: bytes, body: bytes) -> None:
    """Refuse a NUL and bytes that are no UTF-8, in our own paths, which no table describes.

    Of the body only a NUL, written as JSON has it: all else is seen by who reads it.

    Raises:
        BadFieldError: `path`, `body`, or the parameter's name.

    """
    if b"\\u0000" in body and _has_nul(body):
        raise BadFieldError("body", _NO_TEXT)
    if not _is_text(raw_path):
        raise BadFieldError("path", _NO_TEXT)
    if b"%2f" in raw_path.lower():  # another path for the service that decodes it
        raise BadFieldError("path", "an encoded slash")
    for piece in raw_query.split(b"&"):
        raw_name, _, raw_value = piece.partition(b"=")
        if not (_is_text(raw_name) and _is_text(raw_value)):
            name = unquote_to_bytes(raw_name).decode(errors="replace")
            raise BadFieldError(name[:NAME_CHARACTERS_MAX], _NO_TEXT)


def _is_text(raw: bytes) -> bool:
    plain = unquote_to_bytes(raw)
    try:
        plain.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in plain
