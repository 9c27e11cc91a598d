"""The console's own files, always whole."""

from pathlib import Path

from starlette.staticfiles import StaticFiles
from starlette.types import Message, Receive, Scope, Send

_OF_A_PART = (b"range", b"if-range")


class WholeFiles:
    """ASGI. Small files that nobody reads in parts: a Range means nothing here, as it may.

    Starlette refuses a malformed one as plain text, and takes apart what a stranger writes in it.
    """

    def __init__(self, folder: Path) -> None:
        self._files = StaticFiles(directory=folder)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        asked = [pair for pair in scope["headers"] if pair[0] not in _OF_A_PART]

        async def send_whole(message: Message) -> None:
            if message["type"] == "http.response.start":
                pairs = message["headers"]
                message["headers"] = [pair for pair in pairs if pair[0] != b"accept-ranges"]
            await send(message)

        await self._files({**scope, "headers": asked}, receive, send_whole)
