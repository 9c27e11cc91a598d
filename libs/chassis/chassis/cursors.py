"""Where a page of the native API ends, as its readers carry it: opaque, and good for one list."""

import binascii
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

from chassis.errors import BadFieldError

CURSOR_CHARACTERS_MAX = 1000
KEY_CHARACTERS_MAX = 200

_is_cursor = re.compile(rf"[\w-]{{1,{CURSOR_CHARACTERS_MAX}}}", re.ASCII).fullmatch
_is_storable = re.compile(rf"[^\0\ud800-\udfff]{{1,{KEY_CHARACTERS_MAX}}}").fullmatch


def cursor_after(list_name: str, *keys: str) -> str:
    """The place behind the row with these keys."""
    place = json.dumps([list_name, *keys], ensure_ascii=False).encode()
    return urlsafe_b64encode(place).decode().rstrip("=")


def keys_after(list_name: str, cursor: str, count: int = 1) -> list[str]:
    """The keys of the row that the next page comes behind.

    Raises:
        BadFieldError: `after` is no cursor, or another list's.

    """
    try:
        if not _is_cursor(cursor):
            raise ValueError("other characters")
        place = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError, binascii.Error) as error:
        raise BadFieldError("after", "not a cursor of this list") from error
    if not isinstance(place, list) or len(place) != count + 1 or place[0] != list_name:
        raise BadFieldError("after", "not a cursor of this list")
    keys = place[1:]
    if not all(isinstance(key, str) and _is_storable(key) for key in keys):
        raise BadFieldError("after", "not a cursor of this list")
    return keys
