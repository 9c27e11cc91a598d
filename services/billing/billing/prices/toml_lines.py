"""Where in a TOML file a value stands: tomllib tells the values only."""

import re
from bisect import bisect_left
from collections.abc import Sequence

Place = tuple[int | str, ...]

_HEAD = re.compile(r"\[\[(?P<table>[^\]]+)\]\]|\[(?P<one>[^\[\]]+)\]")
_KEY = re.compile(r"(?P<key>[A-Za-z0-9_.\-\"']+)[ \t]*=")
_TEXT = re.compile(r'"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\])*"|\'[^\']*\'', re.DOTALL)
_BLANK = re.compile(r"(?:[ \t\r\n,]|#[^\n]*)+")
_PLAIN = re.compile(r"[^\s,\[\]{}#]+(?: \d[^\s,\[\]{}#]*)?")


class TomlLines:
    """The lines of all values of a text that tomllib has read: it is known to be right."""

    def __init__(self, text: str):
        self._text, self._at = text, 0
        self._ends = [found.start() for found in re.finditer("\n", text)]
        self._lines: dict[Place, int] = {}
        self._counts: dict[Place, int] = {}
        self._read()

    def of(self, place: Sequence[int | str]) -> int | None:
        """The line of the value there, or of what holds it; None: the whole file."""
        for length in range(len(place), 0, -1):
            if (line := self._lines.get(tuple(place[:length]))) is not None:
                return line
        return None

    def _line(self) -> int:
        return bisect_left(self._ends, self._at) + 1

    def _skip(self) -> bool:
        if (found := _BLANK.match(self._text, self._at)) is not None:
            self._at = found.end()
        return self._at < len(self._text)

    def _read(self) -> None:
        table: Place = ()
        while self._skip():
            if (head := _HEAD.match(self._text, self._at)) is not None:
                table = self._begin(head)
                self._at = head.end()
            else:
                self._pair(table)

    def _begin(self, head: re.Match[str]) -> Place:
        """The table that a head begins: a further element, where it is one of an array."""
        names = [name.strip(" \"'") for name in (head["table"] or head["one"]).split(".")]
        place: Place = ()
        for name in names[:-1]:
            place = (*place, name)
            if place in self._counts:
                place = (*place, self._counts[place] - 1)
        place = (*place, names[-1])
        if head["table"] is not None:
            self._counts[place] = count = self._counts.get(place, 0) + 1
            place = (*place, count - 1)
        self._lines[place] = self._line()
        return place

    def _pair(self, table: Place) -> None:
        found = _KEY.match(self._text, self._at)
        assert found is not None, f"line {self._line()}"
        place = (*table, *(name.strip("\"'") for name in found["key"].split(".")))
        self._lines[place] = self._line()
        self._at = found.end()
        self._skip()
        self._value(place)

    def _value(self, place: Place) -> None:
        self._lines.setdefault(place, self._line())
        match self._text[self._at]:
            case "[":
                self._at += 1
                number = 0
                while self._skip() and self._text[self._at] != "]":
                    self._value((*place, number))
                    number += 1
                self._at += 1
            case "{":
                self._at += 1
                while self._skip() and self._text[self._at] != "}":
                    self._pair(place)
                self._at += 1
            case _:
                found = _TEXT.match(self._text, self._at) or _PLAIN.match(self._text, self._at)
                assert found is not None, f"line {self._line()}"
                self._at = found.end()
