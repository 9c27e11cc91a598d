"""Read a CSV file row by row; each row knows its line, and each refusal its line and why."""

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from billing.files.refusal import FileRefusedError

BLOCK_BYTES = 256 * 1024
LINE_BYTES_MAX = 1024 * 1024
ROW_CHARACTERS_MAX = 1024 * 1024  # of the lines that quotes join
COLUMNS_MAX = 500
HEADING_CHARACTERS_MAX = 200


@dataclass(frozen=True, slots=True)
class CsvRow:
    """A row; `line` is where it ends, and the headings are line 1."""

    line: int
    values: list[str]


@dataclass(slots=True)
class _Begun:
    """How much was read of a row that has not ended."""

    lines: int = 0
    characters: int = 0


def read_csv(file: BinaryIO, member: str | None = None) -> tuple[list[str], Iterator[CsvRow]]:
    """The headings, and the rows, which are as long as those; empty lines are none.

    UTF-8 with or without a byte-order mark; lines end in LF or CRLF.

    Raises:
        FileRefusedError: also while the rows are read.

    """
    rows = _rows(file, member)
    headings = next(rows, None)
    if headings is None:
        raise FileRefusedError("empty", member)
    names = [one.strip() for one in headings.values]
    if len(names) > COLUMNS_MAX:
        raise FileRefusedError(f"more than {COLUMNS_MAX} columns", member, headings.line)
    if any(not one or len(one) > HEADING_CHARACTERS_MAX for one in names):
        raise FileRefusedError("a column without a heading", member, headings.line)
    if len(set(names)) < len(names):
        raise FileRefusedError("a heading that stands twice", member, headings.line)
    return names, _of_length(rows, len(names), member)


def _of_length(rows: Iterator[CsvRow], columns: int, member: str | None) -> Iterator[CsvRow]:
    for row in rows:
        if len(row.values) != columns:
            reason = f"{len(row.values)} values below {columns} headings"
            raise FileRefusedError(reason, member, row.line)
        yield row


def _rows(file: BinaryIO, member: str | None) -> Iterator[CsvRow]:
    begun = _Begun()
    reader = csv.reader(_lines_of(begun, file, member), strict=True)
    try:
        for values in reader:
            begun.lines = begun.characters = 0
            if values:
                yield CsvRow(reader.line_num, values)
    except csv.Error as error:
        raise FileRefusedError(f"broken quoting: {error}", member, reader.line_num) from error


def _lines_of(begun: _Begun, file: BinaryIO, member: str | None) -> Iterator[str]:
    """The lines; a row whose quotes join one to the next without end is not waited for."""
    for number, line in enumerate(_lines(file, member), 1):
        begun.lines += 1
        begun.characters += len(line)
        if begun.lines > 1 and begun.characters > ROW_CHARACTERS_MAX:
            reason = f"a row of more than {ROW_CHARACTERS_MAX} characters"
            raise FileRefusedError(reason, member, number - begun.lines + 1)
        yield line


def _lines(file: BinaryIO, member: str | None) -> Iterator[str]:
    """The lines as text; one that does not end is not waited for."""
    number, rest = 0, b""
    while block := file.read(BLOCK_BYTES):
        *whole, rest = (rest + block).split(b"\n")
        for line in whole:
            number += 1
            yield _text(line, number, member) + "\n"
        if len(rest) > LINE_BYTES_MAX:
            reason = f"a line of more than {LINE_BYTES_MAX} bytes"
            raise FileRefusedError(reason, member, number + 1)
    if rest:
        yield _text(rest, number + 1, member)


def _text(line: bytes, number: int, member: str | None) -> str:
    if len(line) > LINE_BYTES_MAX:
        raise FileRefusedError(f"a line of more than {LINE_BYTES_MAX} bytes", member, number)
    if number == 1:
        line = line.removeprefix(codecs.BOM_UTF8)
    if b"\0" in line:
        raise FileRefusedError("a NUL", member, number)
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise FileRefusedError("no UTF-8", member, number) from None
