"""What the loader has done, step by step, so that a run which was broken off can be continued.

One JSON line per step below `.run`: it holds keys, so only its owner may read it.
"""

import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from local.private_files import OWNER_ONLY


class Journal:
    """Results by the step's name. The first line is the header: whose steps these are."""

    def __init__(self, path: Path):
        self._path = path
        self.header: dict[str, Any] = {}
        self._done: dict[str, Any] = {}
        self._whole_bytes = 0
        self._read()

    def __enter__(self) -> Self:
        """Open it for writing."""
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, OWNER_ONLY)
        self._file = os.fdopen(descriptor, "a")
        self._file.truncate(self._whole_bytes)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self._file.close()

    def __contains__(self, step: str) -> bool:
        """Whether the step is done."""
        return step in self._done

    def __getitem__(self, step: str) -> Any:
        """What came of it."""
        return self._done[step]

    def __len__(self) -> int:
        """How many are done."""
        return len(self._done)

    def begin(self, header: dict[str, Any]) -> None:
        """Forget everything: another system, another seed."""
        self.header, self._done = header, {}
        self._file.truncate(0)
        self._write(header)

    def note(self, step: str, result: Any) -> Any:
        """The step is done; its result."""
        self._done[step] = result
        self._write([step, result])
        return result

    def _write(self, line: Any) -> None:
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._file.flush()

    def _read(self) -> None:
        """A line that a kill left half-written ends what is known; the next one replaces it."""
        if not self._path.exists():
            return
        for number, line in enumerate(self._path.read_bytes().splitlines(keepends=True)):
            try:
                content = json.loads(line)
            except ValueError:
                return
            if number == 0:
                self.header = content
            else:
                step, result = content
                self._done[step] = result
            self._whole_bytes += len(line)
