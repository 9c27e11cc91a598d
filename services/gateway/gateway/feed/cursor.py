"""A place in the feed, as its readers carry it: opaque to them, and good for this feed alone."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from uuid import UUID

from chassis.errors import BadFieldError

EARLIEST = "earliest"
LATEST = "latest"
CURSOR_CHARACTERS_MAX = 100
_POSITION_BYTES = 8
CURSOR_BYTES = 16 + _POSITION_BYTES
POSITION_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Cursor:
    """Everything up to and with `position` was read."""

    feed_id: UUID
    position: int

    def text(self) -> str:
        """As it is handed out."""
        packed = self.feed_id.bytes + self.position.to_bytes(_POSITION_BYTES, "big")
        return urlsafe_b64encode(packed).decode()


def read_cursor(text: str) -> Cursor:
    """The cursor of that text.

    Raises:
        BadFieldError: it is none that a feed handed out.

    """
    try:
        packed = urlsafe_b64decode(text.encode("ascii"))
    except ValueError as error:
        raise BadFieldError("after", "not a cursor of this feed") from error
    position = int.from_bytes(packed[16:], "big")
    cursor = Cursor(UUID(bytes=packed[:16]), position) if len(packed) == CURSOR_BYTES else None
    # What decoding passes over, or a position that no sequence reaches, was not handed out.
    if cursor is None or cursor.text() != text or position > POSITION_MAX:
        raise BadFieldError("after", "not a cursor of this feed")
    return cursor
