"""Workbooks as finance opens them: texts stay texts, amounts are never inexact."""

from collections.abc import Iterable, Sequence
from typing import BinaryIO, Literal

DIGITS_MAX = 15  # that a number of a workbook keeps exactly: it is a binary double
WIDTH = 18  # characters
ROWS_MAX = 1_048_575  # of a sheet, beside its headings
CELL_CHARACTERS_MAX = 32_767
CellKind = Literal["text", "whole", "money", "fee", "quantity"]
_FORMATS = {"money": "0.00", "fee": "0.00000000", "quantity": "0.##########"}


class Workbook:
    """Writes rows as they come: only one is in memory. Nothing in it is a formula or a link."""

    def __init__(self, file: BinaryIO | str):
        # A part of every start: who makes such a file pays for it.
        import xlsxwriter

        self._book = xlsxwriter.Workbook(
            file,
            {
                "constant_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
            },
        )
        self._bold = self._book.add_format({"bold": True})
        self._formats = {
            kind: self._book.add_format({"num_format": text}) for kind, text in _FORMATS.items()
        }

    def add_sheet(
        self,
        name: str,
        headings: Sequence[str],
        kinds: Sequence[CellKind],
        rows: Iterable[Sequence[str]],
    ) -> int:
        """A sheet with its headings kept in sight; how many rows it has. An empty text is no cell.

        Raises:
            ValueError: more rows than a sheet holds.

        """
        sheet = self._book.add_worksheet(name)
        sheet.set_column(0, len(headings) - 1, WIDTH)
        sheet.freeze_panes(1, 0)
        for column, heading in enumerate(headings):
            sheet.write_string(0, column, heading, self._bold)
        number = 0
        for number, row in enumerate(rows, 1):
            if number > ROWS_MAX:
                raise ValueError(f"more than {ROWS_MAX} rows")
            for column, text in enumerate(row):
                if text == "":
                    continue
                kind = kinds[column]
                if kind != "text" and is_exact(text):
                    sheet.write_number(number, column, float(text), self._formats.get(kind))
                else:
                    sheet.write_string(number, column, text[:CELL_CHARACTERS_MAX])
        return number

    def close(self) -> None:
        """Write the file."""
        self._book.close()


def is_exact(text: str) -> bool:
    """Whether a binary double keeps every digit of a number's text."""
    digits = text.lstrip("-").lstrip("0")
    if "." in digits:
        digits = digits.rstrip("0").replace(".", "").lstrip("0")
    return len(digits) <= DIGITS_MAX
