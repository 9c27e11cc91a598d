"""What strangers send is read as a stream: no line, row or archive without end is ever held.

No door is asked here; that each refusal reaches its sender is in `test_reconciliation.py` and
`test_usage_files.py`.
"""

import io
import zipfile
from collections.abc import Callable
from typing import Any, BinaryIO, cast

import pytest

from billing.files.read_csv import BLOCK_BYTES, LINE_BYTES_MAX, read_csv
from billing.files.refusal import FileRefusedError
from billing.files.unpack import open_files
from billing.ingest.read_rows import read_rows

GIGABYTE = 1024**3


class Endless(io.RawIOBase):
    """Headings, then two gigabytes of the same bytes; it counts what was asked of it."""

    def __init__(self, repeated: bytes, head: bytes = b"a,b\n"):
        super().__init__()
        self._left, self._head, self._begun = 2 * GIGABYTE, head, head
        self._block = repeated * (BLOCK_BYTES // len(repeated))
        self.given = 0

    def seek(self, *_: int) -> int:
        """To its beginning, as long as nobody is past the headings."""
        self._begun = self._head
        return 0

    def read(self, size: int = -1) -> bytes:
        """At most so much; nobody asks for all of it."""
        assert 0 < size <= BLOCK_BYTES
        if self._begun:
            begun, self._begun = self._begun[:size], self._begun[size:]
            return begun
        part = self._block[: min(size, self._left)]
        self._left -= len(part)
        self.given += len(part)
        return part


def all_of_a_bill(file: BinaryIO) -> list[Any]:
    """As a vendor's bill is read."""
    return [row for _, one in open_files(file) for row in read_csv(one)[1]]


def all_of_usage(file: BinaryIO) -> list[Any]:
    """As a file of usage is read."""
    return list(read_rows(file))


@pytest.mark.parametrize(
    ("repeated", "why"),
    [
        (b"x", f"a line of more than {LINE_BYTES_MAX} bytes"),
        (b'","x\n', "a row of more than 1048576 characters"),
    ],
    ids=["a line", "a row whose quotes join its lines"],
)
def test_two_gigabytes_of_one_row_are_refused_after_some_blocks(repeated: bytes, why: str) -> None:
    """Break: let `csv.reader` join lines as long as it likes."""
    file = Endless(repeated, b'a,b\n1,2\n"x\n')
    if b"\n" not in repeated:
        file = Endless(repeated, b"a,b\n1,2\n")
    with pytest.raises(FileRefusedError) as refused:
        all_of_a_bill(cast(BinaryIO, file))
    assert (refused.value.reason, refused.value.line) == (why, 3)
    assert file.given <= LINE_BYTES_MAX + 4 * BLOCK_BYTES


def test_a_quoted_value_may_still_go_over_lines() -> None:
    names, rows = read_csv(io.BytesIO(b'a,b\n"x\ny",2\n\n3,4'))
    assert names == ["a", "b"]
    assert [(row.line, row.values) for row in rows] == [(3, ["x\ny", "2"]), (5, ["3", "4"])]


def workbook(columns: int) -> bytes:
    """A sheet of so many columns, small as it is packed."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as book:
        cells = "<c><v>1</v></c>" * columns
        book.writestr("xl/worksheets/sheet1.xml", f"<worksheet><row>{cells}</row></worksheet>")
    return made.getvalue()


@pytest.mark.parametrize("read", [all_of_a_bill, all_of_usage])
def test_a_workbook_of_a_million_columns_is_not_opened(
    read: Callable[[BinaryIO], list[Any]],
) -> None:
    """Break: leave ZIP's first bytes out of `open_files`; then it is said to have a NUL."""
    with pytest.raises(FileRefusedError, match="a workbook or a ZIP file: CSV is taken"):
        read(io.BytesIO(workbook(1_000_000)))


@pytest.mark.parametrize(
    ("read", "columns", "why"),
    [
        (all_of_a_bill, 1_000_000, "a line of more than 1048576 bytes"),
        (all_of_a_bill, 501, "more than 500 columns"),
        (all_of_usage, 1_000_000, "a line of more than 16384 bytes"),
        (all_of_usage, 501, "no such column: 0"),
    ],
)
def test_a_million_columns_are_refused_by_their_headings(
    read: Callable[[BinaryIO], list[Any]], columns: int, why: str
) -> None:
    """Break: call headings that are too long empty."""
    with pytest.raises(FileRefusedError) as refused:
        read(io.BytesIO(b",".join(b"%d" % number for number in range(columns)) + b"\n1\n"))
    assert (refused.value.reason, refused.value.line) == (why, 1)
