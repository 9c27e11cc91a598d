"""What makes the portions of an export, by its format."""

import asyncio
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO, Protocol

from billing.exports.made import Made
from billing.exports.models import Export
from billing.exports.read_lines import Portion, copy_portion, select_list
from billing.exports.write_csv import (
    MEDIA_TYPE,
    Packer,
    archive_name,
    headings,
    member_name,
    packed_end,
    packed_filling,
    packed_head,
)
from billing.exports.write_focus import FocusMaker
from billing.exports.write_tables import (
    PARQUET_TYPE,
    XLSX_TYPE,
    parquet_select_list,
    part_name,
    write_parquet,
    write_xlsx,
)
from chassis.database import Database


class Maker(Protocol):
    """Makes one portion after another of one export."""

    async def make(self) -> Made:
        """The portion behind `export.after`."""
        ...


class CsvMaker:
    """The vendor's archive: one part, to which each portion appends a member."""

    def __init__(self, database: Database, export: Export, rows: int):
        self._database, self._export, self._rows = database, export, rows

    async def make(self) -> Made:
        """A member's head, content and filling, packed; behind the last one the archive's end."""
        export = self._export
        packed = TemporaryFile()  # noqa: SIM115 - closed with the portion
        packer = Packer(packed)
        await packer(headings(export.columns, export.language))
        portion = await copy_portion(
            self._database, export, select_list(export.columns, safe=True), packer, self._rows
        )
        await packer.close()
        if portion.rows == 0 and export.portion > 0:  # the file before was the last one
            packed.close()
            return self._made(portion, [io.BytesIO(packed_end())])
        name = member_name(export.cycle, export.portion + 1)
        head = packed_head(name, packer.size, export.created_at.timestamp())
        end = packed_filling(packer.size) + (packed_end() if portion.is_last else b"")
        return self._made(portion, [io.BytesIO(head), packed, io.BytesIO(end)])

    def _made(self, portion: Portion, contents: list[IO[bytes]]) -> Made:
        return Made(
            1, archive_name(self._export.cycle), MEDIA_TYPE, portion.rows, portion.after,
            portion.is_last, contents,
        )  # fmt: skip


Write = Callable[[Export, IO[bytes], IO[bytes]], None]


@dataclass(frozen=True, slots=True)
class TableKind:
    """How a table's files are called and written."""

    ending: str
    media_type: str
    selected: Callable[[Export], str]
    write: Write


class TableMaker:
    """Each portion is a file of its own: workbooks and Parquet have no way to be gone on with."""

    def __init__(self, kind: TableKind, database: Database, export: Export, rows: int):
        self._kind = kind
        self._database, self._export, self._rows = database, export, rows

    async def make(self) -> Made:
        """The rows are kept on disk as CSV, then written in a thread."""
        export, kind = self._export, self._kind
        made = TemporaryFile()  # noqa: SIM115 - closed with the portion
        with TemporaryFile() as rows:

            async def keep(data: bytes) -> None:
                rows.write(data)

            portion = await copy_portion(
                self._database, export, kind.selected(export), keep, self._rows
            )
            rows.seek(0)
            is_needed = portion.rows > 0 or export.portion == 0
            if is_needed:
                await asyncio.to_thread(kind.write, export, rows, made)
            else:  # the file before was the last one
                made.close()
        number = export.portion + 1
        return Made(
            number, part_name(export, number, kind.ending), kind.media_type, portion.rows,
            portion.after, portion.is_last, [made] if is_needed else [],
        )  # fmt: skip


_XLSX = TableKind(
    "xlsx", XLSX_TYPE, lambda export: select_list(export.columns, safe=False), write_xlsx
)
_PARQUET = TableKind("parquet", PARQUET_TYPE, parquet_select_list, write_parquet)


def _xlsx(database: Database, export: Export, rows: int) -> Maker:
    return TableMaker(_XLSX, database, export, rows)


def _parquet(database: Database, export: Export, rows: int) -> Maker:
    return TableMaker(_PARQUET, database, export, rows)


MAKERS: Mapping[str, Callable[[Database, Export, int], Maker]] = {
    "csv": CsvMaker,
    "xlsx": _xlsx,
    "parquet": _parquet,
    "focus": FocusMaker,
}
