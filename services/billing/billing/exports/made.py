"""A portion of an export, made and not yet kept."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import IO, Self


@dataclass
class Made:
    """A portion: what is appended to which part, and where the next one begins."""

    part: int
    file_name: str
    media_type: str
    rows: int
    after: str
    is_last: bool
    contents: list[IO[bytes]] = field(default_factory=list)
    _open: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        """Its temporary files live until it is kept."""
        for content in self.contents:
            content.seek(0)
            self._open.enter_context(content)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._open.close()
