"""How far the loader is: a bar on a terminal, else a line per phase."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

TITLE_WIDTH = 28


class _RateColumn(ProgressColumn):
    """Things per second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:,.0f}/s", style="progress.data.speed")


class Bar:
    """One for all phases, so that the remaining time is that of the whole load."""

    def __init__(self, things: int):
        self._console = Console()
        self._bar = Progress(
            TextColumn("  {task.description:<" + str(TITLE_WIDTH) + "}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            _RateColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._all = self._bar.add_task("", total=things)

    def __enter__(self) -> Self:
        """Show it."""
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take it away."""
        self._bar.stop()

    def phase(self, title: str) -> "PhaseShown":
        """The next phase has begun."""
        self._bar.update(self._all, description=title)
        return PhaseShown(self, title)

    def advance(self, things: int) -> None:
        """So many things more are there."""
        self._bar.advance(self._all, things)

    def line(self, text: str) -> None:
        """A line that stays, above the bar."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)


class PhaseShown:
    """A phase under way."""

    def __init__(self, bar: Bar, title: str):
        self._bar, self._title = bar, title
        self._began = time.monotonic()
        self._things = 0

    def advance(self, things: int) -> None:
        """So many things more are there."""
        self._things += things
        self._bar.advance(things)

    def end(self) -> None:
        """Say what it took."""
        seconds = time.monotonic() - self._began
        rate = self._things / seconds
        self._bar.line(
            f"    {self._title:<{TITLE_WIDTH}} {self._things:>6,}  {seconds:5.1f} s  {rate:5,.0f}/s"
        )
