"""Portions of an export as workbooks and as Parquet files, from the CSV that PostgreSQL wrote."""

import csv
import io
from typing import IO

from billing.exports.models import Export
from billing.exports.read_lines import select_list
from billing.files.vendor_columns import VendorColumn
from billing.files.xlsx import CellKind, Workbook

XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PARQUET_TYPE = "application/vnd.apache.parquet"
_CELLS: dict[str, CellKind] = {
    "code": "whole", "money": "money", "fee": "fee", "quantity": "quantity",
}  # fmt: skip
_UTC = """to_char(l.{0} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


def part_name(export: Export, number: int, ending: str) -> str:
    """`customerBill_202611_0001.xlsx`."""
    return f"customerBill_{export.cycle.replace('-', '')}_{number:04d}.{ending}"


def write_xlsx(export: Export, rows: IO[bytes], file: IO[bytes]) -> None:
    """The rows, as texts and numbers, below the vendor's headings."""
    columns = export.columns
    book = Workbook(file)  # type: ignore[arg-type]
    text = io.TextIOWrapper(rows, encoding="utf-8", newline="")
    book.add_sheet(
        export.cycle,
        [one.heading(export.language) for one in columns],
        [_CELLS.get(one.kind, "text") for one in columns],
        csv.reader(text),
    )
    book.close()
    text.detach()


def parquet_select_list(export: Export) -> str:
    """The columns as SQL: instants in UTC to the microsecond, texts as they are."""
    return ", ".join(_expression(one) for one in export.columns)


def _expression(column: VendorColumn) -> str:
    if column.kind == "instant":
        return _UTC.format(column.field)
    return select_list((column,), safe=False)


def write_parquet(export: Export, rows: IO[bytes], file: IO[bytes]) -> None:
    """The rows with decimals as decimals, columns called as in our own answers."""
    # 50 MB and half a second of every start: who makes such a file pays for it.
    from billing.exports import arrow

    arrow.write({one.field: one.kind for one in export.columns}, rows, file)
