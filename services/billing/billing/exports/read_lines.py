"""Read a cycle's lines as CSV, formatted by PostgreSQL itself, in portions of one order."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from billing.exports.models import Export
from billing.files.vendor_columns import VendorColumn
from chassis.database import Database

TAIL_BYTES = 1000  # longer than any id
PORTION_ROWS = 100_000  # as many as the vendor's files have
Sink = Callable[[bytes], Awaitable[None]]

# The vendor's file has a coding of its own (docs/domain/files.md J).
_MODE = (
    "CASE l.charging_mode WHEN 1 THEN 0 WHEN 3 THEN 1"
    " WHEN 10 THEN CASE WHEN l.bill_type = 5 THEN 3 ELSE 2 END"
    " WHEN 11 THEN CASE l.bill_type WHEN 5 THEN 5 WHEN 23 THEN 6 ELSE 4 END"
    " ELSE l.charging_mode END"
)
_OWN = {"charging_mode": _MODE}
_INSTANT = "date_trunc('second', l.{0} AT TIME ZONE interval '8 hours')::text || ' GMT+08:00'"
# What a spreadsheet takes for a formula begins with =, +, -, @, a tab or a carriage return; an
# apostrophe before it makes it a text. By the number of the first character: it is the cheapest.
_SAFE = "CASE WHEN ascii(l.{0}) IN (61, 43, 45, 64, 9, 13) THEN '''' || l.{0} ELSE l.{0} END"
_FROM = (
    " FROM bill_lines l WHERE l.partner_id = $1 AND l.bill_cycle = $2 AND l.known_at <= $3"
    " AND l.line_id > $4"
)
# The settlement says which lines; a distributor's bill has those of its resellers, too.
_FROM_SETTLED = (
    " FROM bill_lines l JOIN settled_lines s ON s.line_id = l.line_id AND s.settlement_id = $3"
    " WHERE (l.partner_id = $1 OR l.distributor_id = $1) AND l.bill_cycle = $2"
    " AND l.line_id > $4"
)
# Row-level security hides from the planner how many lines there are: it would sort them all for
# each portion. The key's own order needs no sort.
_IN_ORDER = "SET LOCAL enable_sort = off"


@dataclass(frozen=True, slots=True)
class Portion:
    """Lines up to `after`."""

    after: str
    rows: int
    is_last: bool


def select_list(columns: tuple[VendorColumn, ...], *, safe: bool) -> str:
    """The columns as SQL; `safe`: texts that a spreadsheet would take for formulas are none."""
    return ", ".join(_expression(one, safe=safe) for one in columns)


def _expression(column: VendorColumn, *, safe: bool) -> str:
    if column.field in _OWN:
        return _OWN[column.field]
    if column.is_settled:
        return f"s.{column.field}"
    if column.kind == "instant":
        return _INSTANT.format(column.field)
    return _SAFE.format(column.field) if safe and column.is_text else f"l.{column.field}"


async def count_lines(database: Database, export: Export) -> int:
    """How many lines the whole export has."""
    async with database.read_as(export.reader) as connection:
        counted = f"SELECT count(*){_source(export)}"
        return int(await connection.fetchval(counted, *_bounds(export, "")))


async def copy_portion(
    database: Database,
    export: Export,
    selected: str,
    sink: Sink,
    rows_max: int = PORTION_ROWS,
) -> Portion:
    """Give `sink` the next lines as CSV without headings; where they end, and how many."""
    last = _LastLine(sink)
    async with database.read_as(export.reader) as connection:
        await connection.execute(_IN_ORDER)
        said = await connection.copy_from_query(
            f"SELECT {selected}{_source(export)} ORDER BY l.line_id LIMIT $5",
            *_bounds(export, export.after or ""),
            rows_max,
            output=last,
            format="csv",
        )
    rows = int(said.split()[-1])
    return Portion(last.line_id if rows else export.after or "", rows, rows < rows_max)


class _LastLine:
    """Hands on what comes, and knows the id of the last line: it is the last column."""

    def __init__(self, sink: Sink):
        self._sink, self._tail = sink, b""

    async def __call__(self, data: bytes) -> None:
        """Some rows, cut anywhere."""
        self._tail = (self._tail + data[-TAIL_BYTES:])[-TAIL_BYTES:]
        await self._sink(data)

    @property
    def line_id(self) -> str:
        """Ids hold no quotes and no commas."""
        return self._tail.rstrip(b"\n").rpartition(b",")[2].decode()


def _source(export: Export) -> str:
    return _FROM if export.settlement_id is None else _FROM_SETTLED


def _bounds(export: Export, after: str) -> tuple[object, ...]:
    which = export.known_at if export.settlement_id is None else export.settlement_id
    return (export.partner_id, export.cycle, which, after)
