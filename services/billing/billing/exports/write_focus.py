"""FOCUS exports: first what the cycle charges, then what it uses of purchases, in one file."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Iterable
from datetime import date, datetime
from tempfile import TemporaryFile
from typing import Any

from billing.exports.focus_rows import (
    LINE_FIELDS,
    SETTLED_FIELDS,
    Bill,
    FocusRow,
    amortised_row,
    charge_row,
    is_amortised,
)
from billing.exports.made import Made
from billing.exports.models import Export
from billing.exports.write_csv import MEDIA_TYPE, Packer
from chassis.database import Database
from wire.times import beijing_day, cycle_bounds

LINES_AT_ONCE = 1_000
CHARGES, USES = "charge:", "use:"  # how far an export is: in which of the two, and behind which
_FIELDS = ", ".join(f"l.{name}" for name in LINE_FIELDS)
_CHARGED = f"""
    SELECT {_FIELDS} FROM bill_lines l
    WHERE l.partner_id = $1 AND l.bill_cycle = $2 AND l.known_at <= $3 AND l.line_id > $4
    ORDER BY l.line_id LIMIT $5
"""
# What was bought in the cycle, or before for a time that reaches into it; and when it was given
# back. A purchase without an end is used on its day.
_GIVEN_BACK = """
    LEFT JOIN LATERAL (
        SELECT min(r.trade_time) AS at FROM bill_lines r
        WHERE r.customer_id = l.customer_id AND r.partner_id = l.partner_id
          AND r.corrects = l.line_id AND r.bill_type IN (4, 20, 24) AND r.known_at <= $3
          AND r.bill_cycle BETWEEN l.bill_cycle AND $2
    ) AS given_back ON true
"""
_IS_BOUGHT = """
      l.bill_cycle <= $2 AND l.line_id > $4
      AND NOT l.bill_type IN (4, 5, 9, 16, 20, 23, 24)
      AND (l.bill_cycle = $2 OR l.period_end_at > $6
           OR (l.period_end_at IS NULL AND l.period_type IN (19, 20)))
    ORDER BY l.line_id LIMIT $5
"""
_BOUGHT = f"""
    SELECT {_FIELDS}, given_back.at AS given_back_at FROM bill_lines l
    {_GIVEN_BACK} WHERE l.partner_id = $1 AND l.known_at <= $3 AND {_IS_BOUGHT}
"""
# What the partner owes: the settlement says which lines; a distributor's has its resellers', too.
_OWED_FIELDS = ", ".join(f"s.{name}" for name in SETTLED_FIELDS)
_CHARGED_OWED = f"""
    SELECT {_FIELDS}, {_OWED_FIELDS} FROM bill_lines l
    JOIN settled_lines s ON s.line_id = l.line_id AND s.settlement_id = $3
    WHERE (l.partner_id = $1 OR l.distributor_id = $1) AND l.bill_cycle = $2 AND l.line_id > $4
    ORDER BY l.line_id LIMIT $5
"""
# What was bought before is owed as the bill of its own month says it now.
_BOUGHT_OWED = f"""
    SELECT {_FIELDS}, {_OWED_FIELDS}, given_back.at AS given_back_at FROM bill_lines l
    JOIN settlements m ON m.partner_id = $1 AND m.cycle = l.bill_cycle
     AND (m.settlement_id = $7
          OR m.cycle < $2 AND m.is_current AND m.state IN ('settled', 'published'))
    JOIN settled_lines s ON s.line_id = l.line_id AND s.settlement_id = m.settlement_id
    {_GIVEN_BACK} WHERE (l.partner_id = $1 OR l.distributor_id = $1) AND {_IS_BOUGHT}
"""


class FocusMaker:
    """One part, to which each portion appends; a gzip file may be several behind one another."""

    def __init__(self, database: Database, export: Export, rows: int):
        self._database, self._export, self._rows = database, export, rows
        self._bill = Bill(export.partner_id, export.cycle, export.settlement_id)

    async def make(self) -> Made:
        """Some lines' rows, packed."""
        export = self._export
        packed = TemporaryFile()  # noqa: SIM115 - closed with the portion
        packer = Packer(packed)
        if export.portion == 0:
            await packer(_csv([self._bill.columns]))
        stage, _, after = (export.after or CHARGES).partition(":")
        charges = f"{stage}:" == CHARGES
        lines, rows, columns = 0, 0, self._bill.columns
        async for some in self._lines(charges=charges, after=after):
            lines, after = lines + len(some), some[-1]["line_id"]
            made = await asyncio.to_thread(self._rows_of, some, charges=charges)
            rows += len(made)
            await packer(_csv([row.get(name, "") for name in columns] for row in made))
        await packer.close()
        is_over = lines < self._rows
        behind = f"{CHARGES if charges else USES}{after}"
        return Made(
            1, f"focus_{export.cycle.replace('-', '')}.csv.gz", MEDIA_TYPE, rows,
            USES if charges and is_over else behind, is_over and not charges, [packed],
        )  # fmt: skip

    async def _lines(self, *, charges: bool, after: str) -> AsyncIterator[list[Any]]:
        export = self._export
        query, asked = _question(export, after, self._rows, charges=charges)
        async with self._database.read_as(export.reader) as connection:
            await connection.execute("SET LOCAL enable_sort = off")
            found = connection.cursor(query, *asked, prefetch=LINES_AT_ONCE)
            some: list[Any] = []
            async for line in found:
                some.append(line)
                if len(some) == LINES_AT_ONCE:
                    yield some
                    some = []
            if some:
                yield some

    def _rows_of(self, lines: Iterable[Any], *, charges: bool) -> list[FocusRow]:
        if charges:
            return [charge_row(line, self._bill) for line in lines]
        made = (
            amortised_row(line, self._bill, _day(line["given_back_at"]))
            for line in lines
            if is_amortised(line)
        )
        return [row for row in made if row is not None]


def _question(export: Export, after: str, rows: int, *, charges: bool) -> tuple[str, list[object]]:
    """What is read, and by which values."""
    begin, _ = cycle_bounds(export.cycle)
    bound = [export.partner_id, export.cycle, export.known_at, after, rows]
    if export.settlement_id is None:
        return (_CHARGED, bound) if charges else (_BOUGHT, [*bound, begin])
    if charges:
        bound[2] = export.settlement_id
        return _CHARGED_OWED, bound
    return _BOUGHT_OWED, [*bound, begin, export.settlement_id]


def _day(instant: datetime | None) -> date | None:
    return None if instant is None else beijing_day(instant)


def _csv(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([[_safe(cell) for cell in row] for row in rows])
    return text.getvalue().encode()


def _safe(cell: str) -> str:
    """A text that a spreadsheet would take for a formula is none; a number is one."""
    if cell[:1] in ("=", "+", "@", "\t", "\r") or (cell[:1] == "-" and not _is_number(cell)):
        return f"'{cell}"
    return cell


def _is_number(cell: str) -> bool:
    return cell[1:].replace(".", "", 1).isdecimal()
