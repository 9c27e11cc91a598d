"""The one spelling of path and query that both sides of a signature hash.

See docs/domain/wire-protocol.md D.2.
"""

import re
from urllib.parse import quote_from_bytes, unquote_to_bytes

_is_plain_path = re.compile(rb"[A-Za-z0-9_.~/-]*").fullmatch
_UNRESERVED = r"[A-Za-z0-9_.~-]"
_ESCAPE = (
    r"%(?!2D|2E|5F|7E|3\d|4[1-9A-F]|5[\dA]|6[1-9A-F]|7[\dA])[\dA-F]{2}"  # of nothing unreserved
)
_PAIR = rf"{_UNRESERVED}+=(?:{_UNRESERVED}|{_ESCAPE})*"
_is_canonical_query = re.compile(rf"{_PAIR}(?:&{_PAIR})*".encode()).fullmatch


def canonical_path(raw_path: bytes) -> str:
    """Each segment decoded and encoded again, always with a slash at the end (D.2.3)."""
    if _is_plain_path(raw_path):
        path = raw_path.decode()
    else:
        # decoded before it is split, as the SDK does: an encoded slash is signed as a slash
        path = "/".join(_encode(part) for part in unquote_to_bytes(raw_path).split(b"/"))
    return path if path.endswith("/") else path + "/"


def canonical_query(raw_query: bytes) -> str:
    """Pairs decoded, sorted by name then value, encoded again (D.2.4).

    A raw `+` is read as the space that the application reads too; the SDK never sends one.
    """
    if not raw_query:
        return ""
    if _is_canonical_query(raw_query):
        # as the SDK sends it; with each name once, the names alone decide the order
        by_name = {piece.partition("=")[0]: piece for piece in raw_query.decode().split("&")}
        if len(by_name) == raw_query.count(b"&") + 1:
            return "&".join([by_name[name] for name in sorted(by_name)])
    pieces = [piece.replace(b"+", b" ").partition(b"=") for piece in raw_query.split(b"&") if piece]
    decoded = sorted((unquote_to_bytes(name), unquote_to_bytes(value)) for name, _, value in pieces)
    return "&".join([f"{_encode(name)}={_encode(value)}" for name, value in decoded])


def _encode(text: bytes) -> str:
    return quote_from_bytes(text, safe="~")
