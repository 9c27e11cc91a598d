"""Read the rows of a vendor's bill: columns by their headings, in any order, none dropped."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, BinaryIO

from billing.files.read_csv import CsvRow, read_csv
from billing.files.refusal import FileRefusedError
from billing.files.unpack import open_files
from billing.files.vendor_columns import VendorColumn, column_of_heading, plain_heading
from wire.times import BEIJING, parse_cycle

ROWS_MAX = 20_000_000
TEXT_CHARACTERS_MAX = 1_000
PLACES_MAX = 10  # decimals
CURRENCIES = frozenset({"CNY", "USD"})
NEEDED = ("customer_id", "payment_amount")
_is_number = re.compile(r"-?\d{1,20}(\.\d{1,20})?", re.ASCII).fullmatch
_is_code = re.compile(r"-?\d{1,9}", re.ASCII).fullmatch
# As in 2020-09-28 09:00:00 GMT+08:00, in 2020/07/02 08:36 and in our own instants.
_read_instant = re.compile(
    r"(\d{4})[-/](\d\d)[-/](\d\d)[ T](\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?"
    r"\s*(Z|(?:GMT|UTC)?\+\d\d:\d\d)?",
    re.ASCII,
).fullmatch
_BEIJING = "+08:00"
FIELDS = (
    "number", "member", "line", "customer_id", "trade_id", "product_id", "trade_time",
    "region_code", "charging_mode", "currency", "official", "discount", "payment", "columns",
    "others",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Expected:
    """What the rows have to be of."""

    cycle: str
    currency: str


def read_bill(packed: BinaryIO, expected: Expected) -> Iterator[dict[str, Any]]:
    """Every row of every file of the archive, by FIELDS.

    Raises:
        FileRefusedError: also while the rows are read.

    """
    number = 0
    for member, file in open_files(packed):
        headings, rows = read_csv(file, member or None)
        layout = _layout(headings, member)
        for row in rows:
            number += 1
            if number > ROWS_MAX:
                raise FileRefusedError(f"more than {ROWS_MAX} rows", member, row.line)
            yield _record(number, member, row, headings, layout, expected)
    if number == 0:
        raise FileRefusedError("no rows")


def _layout(headings: list[str], member: str) -> Mapping[int, VendorColumn]:
    """Which column each known heading is; two of one meaning are refused."""
    known = column_of_heading()
    layout: dict[int, VendorColumn] = {}
    for index, heading in enumerate(headings):
        column = known.get(plain_heading(heading))
        if column is not None:
            if column in layout.values():
                raise FileRefusedError(f"{heading}: a second column of that meaning", member, 1)
            layout[index] = column
    fields = {column.field for column in layout.values()}
    for needed in NEEDED:
        if needed not in fields:
            raise FileRefusedError(f"no column for {needed}", member, 1)
    return layout


def _record(
    number: int,
    member: str,
    row: CsvRow,
    headings: list[str],
    layout: Mapping[int, VendorColumn],
    expected: Expected,
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    columns: dict[str, str] = {}
    others: dict[str, str] = {}
    for index, text in enumerate(row.values):
        column = layout.get(index)
        try:
            plain = _plain(text)
            if column is None:
                others[headings[index]] = plain
            else:
                values[column.field] = _value(column.kind, plain)
                columns[column.field] = plain
        except ValueError as error:
            raise FileRefusedError(f"{headings[index]}: {error}", member, row.line) from None
    try:
        _check(values, expected)
    except ValueError as error:
        raise FileRefusedError(str(error), member, row.line) from None
    return {
        "number": number,
        "member": member,
        "line": row.line,
        "customer_id": values["customer_id"],
        "trade_id": values.get("trade_id") or "",
        "product_id": values.get("product_id") or "",
        "trade_time": values.get("trade_time"),
        "region_code": values.get("region_code") or "",
        "charging_mode": str(values["charging_mode"]) if "charging_mode" in values else "",
        "currency": values.get("currency") or expected.currency,
        "official": values.get("official_amount"),
        "discount": values.get("official_discount_amount"),
        "payment": values["payment_amount"],
        "columns": columns,
        "others": others,
    }


def _plain(text: str) -> str:
    """A cell without the apostrophe that made it a text for spreadsheets."""
    if len(text) > TEXT_CHARACTERS_MAX:
        raise ValueError(f"more than {TEXT_CHARACTERS_MAX} characters")
    return text[1:] if text[:1] == "'" and text[1:2] in "=+-@\t\r" and text[1:] else text


def _value(kind: str, text: str) -> Any:
    if kind == "text":
        return text
    if text.strip() == "":
        return None
    return _READERS[kind](text.strip())


def _number(text: str) -> Decimal:
    if not _is_number(text):
        raise ValueError("not a number")
    if len(text.partition(".")[2].rstrip("0")) > PLACES_MAX:
        raise ValueError(f"more than {PLACES_MAX} decimals")
    return Decimal(text)


def _code(text: str) -> int:
    if not _is_code(text):
        raise ValueError("not a whole number")
    return int(text)


def _instant(text: str) -> datetime:
    """To the second; without an offset it is in Beijing."""
    found = _read_instant(text)
    if found is None:
        raise ValueError("not an instant")
    *parts, zone = found.groups()
    numbers = [int(part or 0) for part in parts]
    written = datetime(*numbers, tzinfo=BEIJING)  # type: ignore[misc,arg-type]
    if zone in (None, "GMT" + _BEIJING, "UTC" + _BEIJING, _BEIJING):
        return written.astimezone(UTC)
    offset = "+00:00" if zone == "Z" else zone.removeprefix("GMT").removeprefix("UTC")
    return datetime.fromisoformat(f"{written:%Y-%m-%dT%H:%M:%S}{offset}").astimezone(UTC)


def _cycle(text: str) -> str:
    if len(text) == len("202611") and text.isdecimal():
        text = f"{text[:4]}-{text[4:]}"
    try:
        return parse_cycle(text)
    except ValueError:
        raise ValueError("not a cycle like 2026-11") from None


_READERS: Mapping[str, Any] = {
    "money": _number,
    "fee": _number,
    "quantity": _number,
    "code": _code,
    "instant": _instant,
    "cycle": _cycle,
}


def _check(values: Mapping[str, Any], expected: Expected) -> None:
    """What a bill of that cycle cannot hold."""
    if not values["customer_id"]:
        raise ValueError("no customer")
    if values["payment_amount"] is None:
        raise ValueError("no amount")
    if values.get("bill_cycle") not in (None, expected.cycle):
        raise ValueError(f"of the cycle {values['bill_cycle']}")
    currency = values.get("currency") or expected.currency
    if currency not in CURRENCIES:
        raise ValueError(f"no such currency: {currency[:10]}")
