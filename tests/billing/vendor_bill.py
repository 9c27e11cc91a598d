"""A vendor's bill made of our lines, with differences of every kind planted in it."""

import csv
import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from billing.files.vendor_columns import vendor_columns
from billing.lines.models import BillLine
from tests.billing.bill_lines import CYCLE
from wire.times import BEIJING

CENT = Decimal("0.01")
HEADINGS = {one.field: one.zh for one in vendor_columns()}
SAID = (
    "customer_id", "product_id", "service_type_code", "resource_type_code", "region_code",
    "charging_mode", "official_amount", "bill_cycle", "bill_type", "trade_id", "trade_time",
    "currency", "official_discount_amount", "payment_amount", "resource_id",
)  # fmt: skip
Row = dict[str, str]


def row_of(line: BillLine, cycle: str = CYCLE) -> Row:
    """The line as the vendor writes it, by field."""
    said = {name: str(getattr(line, name)) for name in SAID if name != "trade_time"}
    traded = line.trade_time.astimezone(BEIJING)
    return {
        **said,
        "bill_cycle": cycle,
        "charging_mode": {1: "0", 3: "1"}[line.charging_mode],
        "trade_time": f"{traded:%Y-%m-%d %H:%M:%S} GMT+08:00",
    }


@dataclass
class Planted:
    """The vendor's rows, what of ours is to be put elsewhere, and what is to be found."""

    rows: list[Row]
    lines: list[BillLine]
    expected: list[tuple[str, str]] = field(default_factory=list)  # kind, trade id

    def plant(self, every: int, kinds: Sequence[str]) -> None:
        """Differ in every so-manieth row, kind after kind."""
        by_trade = {line.trade_id: line for line in self.lines}
        kept, gone = [], set()
        for index, row in enumerate(self.rows):
            if index % every:
                kept.append(row)
                continue
            kind = kinds[index // every % len(kinds)]
            line = by_trade[row["trade_id"]]
            self.expected.append((kind, row["trade_id"]))
            kept += _PLANT[kind](row, line)
            if kind == "missing_here":
                gone.add(line.line_id)
        self.rows = kept
        self.lines = [line for line in self.lines if line.line_id not in gone]


def _changed(row: Row, **amounts: Decimal) -> list[Row]:
    return [{**row, **{name: str(Decimal(row[name]) + by) for name, by in amounts.items()}}]


def _move(row: Row, line: BillLine) -> list[Row]:
    line.bill_cycle = "2026-12"
    return [row]


_PLANT: Mapping[str, Any] = {
    "missing_here": lambda row, _line: [row],
    "missing_there": lambda _row, _line: [],
    "amount": lambda row, _line: _changed(row, payment_amount=CENT),
    "list_price": lambda row, _line: _changed(row, official_amount=CENT, payment_amount=CENT),
    "discount": lambda row, _line: _changed(
        row, official_discount_amount=CENT, payment_amount=-CENT
    ),
    "cycle_moved": _move,
    "duplicate": lambda row, _line: [row, row],
    "currency": lambda row, _line: [{**row, "currency": "USD"}],
    "customer_unknown": lambda row, line: _unknown(row, line),
}
KINDS = tuple(_PLANT)


def _unknown(row: Row, line: BillLine) -> list[Row]:
    """Beside its own row one of a stranger's."""
    return [row, {**row, "customer_id": f"stranger-{line.line_id}"}]


def csv_bytes(
    rows: Iterable[Row],
    fields: Sequence[str] = SAID,
    others: Mapping[str, str] | None = None,
    end: str = "\n",
    mark: bytes = b"",
) -> bytes:
    """A CSV file of the rows."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=end)
    more = others or {}
    writer.writerow([*(HEADINGS[name] for name in fields), *more])
    for row in rows:
        writer.writerow([*(row[name] for name in fields), *more.values()])
    return mark + text.getvalue().encode()


def archive(*files: bytes, name: str = "customerBill_202611_{:04d}.csv") -> bytes:
    """The vendor's archive of such files."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for number, content in enumerate(files, 1):
            member = tarfile.TarInfo(name.format(number))
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return made.getvalue()


def announced(content: bytes, **more: Any) -> dict[str, Any]:
    """The body that announces it."""
    return {
        "cycle": CYCLE, "file_name": "customerBill_202611.tar.gz", "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(), **more,
    }  # fmt: skip


def zipped(content: bytes) -> bytes:
    """A gzip file."""
    return gzip.compress(content, mtime=0)
