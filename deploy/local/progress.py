"""The lines that `make up` prints: one per part, with the time it took."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

NAME_WIDTH = 12


class Step:
    """A part that is under way."""

    def __init__(self, name: str):
        self._name = name
        self._started = time.monotonic()
        self._shown_on_terminal = sys.stdout.isatty()

    def now(self, text: str) -> None:
        """What it is doing; shown on a terminal only, and overwritten."""
        if self._shown_on_terminal:
            print(f"\r\033[K  {self._name:<{NAME_WIDTH}} {text}", end="", flush=True)

    def done(self, text: str) -> None:
        """What came of it."""
        if self._shown_on_terminal:
            print("\r\033[K", end="")
        seconds = time.monotonic() - self._started
        print(f"  {self._name:<{NAME_WIDTH}} {text} ({seconds:.1f} s)", flush=True)


@contextmanager
def step(name: str) -> Iterator[Step]:
    """A part of the start; whoever uses it says `done`."""
    under_way = Step(name)
    under_way.now("…")
    yield under_way
