"""Read usage records from what was sent, row by row; what is wrong in a row is the row's alone.

A record is one line: whatever stands in it, the next line is read as the next record.
"""

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from pydantic import ValidationError

from billing.files.refusal import FileRefusedError
from billing.files.unpack import open_files
from billing.usage.records import UsageRecord

BLOCK_BYTES = 256 * 1024
LINE_BYTES_MAX = 16 * 1024
TOO_LONG = f"a line of more than {LINE_BYTES_MAX} bytes"
ROWS_MAX = 20_000_000
CURRENCY = "currency"
REASON_CHARACTERS_MAX = 300
KNOWN = frozenset(UsageRecord.model_fields) | {CURRENCY}
NEEDED = frozenset(name for name, field in UsageRecord.model_fields.items() if field.is_required())


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the file: a record, or why there is none."""

    number: int  # over all members, from 1
    member: str | None
    line: int
    record: UsageRecord | None
    currency: str | None
    record_id: str | None
    customer_id: str | None
    reason: str | None


def read_rows(packed: BinaryIO) -> Iterator[Row]:
    """Every row of every CSV file that was sent; UTF-8, lines end in LF or CRLF.

    Raises:
        FileRefusedError: no archive that we take, or headings that mean nothing; also while the
            rows are read.

    """
    number = 0
    for name, file in open_files(packed):
        member, lines = name or None, _lines(file)
        headings = _headings(next(lines, None), member)
        for line, content in lines:
            if content == b"":
                continue
            number += 1
            if number > ROWS_MAX:
                raise FileRefusedError(f"more than {ROWS_MAX} rows", member, line)
            yield _row(number, member, line, content, headings)
    if number == 0:
        raise FileRefusedError("no rows")


def _headings(first: tuple[int, bytes | None] | None, member: str | None) -> list[str]:
    values: list[str] | str = "empty"
    if first is not None and first[1] is None:
        values = TOO_LONG
    elif first is not None and first[1]:
        values = _values(first[1])
    if isinstance(values, str):
        raise FileRefusedError(values, member, 1)
    names = [one.strip() for one in values]
    if len(set(names)) < len(names):
        raise FileRefusedError("a heading that stands twice", member, 1)
    for name in names:
        if name not in KNOWN:
            raise FileRefusedError(f"no such column: {name[:64]}", member, 1)
    for name in sorted(NEEDED - set(names)):
        raise FileRefusedError(f"no column for {name}", member, 1)
    return names


def _row(
    number: int, member: str | None, line: int, content: bytes | None, headings: list[str]
) -> Row:
    values = TOO_LONG if content is None else _values(content)
    if isinstance(values, list) and len(values) != len(headings):
        values = f"{len(values)} values below {len(headings)} headings"
    if isinstance(values, str):
        return Row(number, member, line, None, None, None, None, values)
    given = {name: value for name, value in zip(headings, values, strict=True) if value != ""}
    currency = given.pop(CURRENCY, None)
    ids = given.get("record_id"), given.get("customer_id")
    try:
        record = UsageRecord.model_validate(given)
    except ValidationError as error:
        return Row(number, member, line, None, currency, *ids, _said(error))
    return Row(number, member, line, record, currency, *ids, None)


def _said(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    return f"{field}: {first['msg']}"[:REASON_CHARACTERS_MAX]


def _values(line: bytes) -> list[str] | str:
    """The cells of a line, or why there are none."""
    if b"\0" in line:
        return "a NUL"
    try:
        if b'"' not in line and b"\r" not in line:  # a reader made for each line costs 12 us
            return line.decode().split(",")
        return next(csv.reader([line.decode()], strict=True))
    except UnicodeDecodeError:
        return "no UTF-8"
    except csv.Error as error:
        return f"broken quoting: {error}"


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Lines with their numbers; one that is too long is none, and is never held whole."""
    number, rest, is_long = 0, b"", False
    while block := file.read(BLOCK_BYTES):
        *whole, rest = (rest + block).split(b"\n")
        for line in whole:
            number += 1
            yield number, _plain(line, number, is_long)
            is_long = False
        if len(rest) > LINE_BYTES_MAX:
            rest, is_long = b"", True
    if rest or is_long:
        yield number + 1, _plain(rest, number + 1, is_long)


def _plain(line: bytes, number: int, is_long: bool) -> bytes | None:
    if is_long or len(line) > LINE_BYTES_MAX:
        return None
    line = line.removesuffix(b"\r")
    return line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
