"""The JSON answer of every service: money leaves as a raw number, never through a float."""

from typing import Any

from fastapi import Response

from wire.json import dumps


class JsonAnswer(Response):
    """UTF-8 JSON by `wire.json`; a top-level array is refused: the SDK would ask again."""

    media_type = "application/json"

    def __init__(self, content: Any, status_code: int = 200, media_type: str | None = None):
        super().__init__(content, status_code, media_type=media_type)

    def render(self, content: Any) -> bytes:
        """The bytes; models are dumped by their wire names."""
        if isinstance(content, list):
            raise TypeError("an answer is an object, never an array")
        return dumps(content)
