"""Exports of a cycle's lines: asked for, made in portions, fetched."""

import csv
import hashlib
import io
import tarfile
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from pyarrow import parquet
from python_calamine import CalamineWorkbook
from sqlalchemy import func, select, update

from billing.exports.expire_exports import expire_exports
from billing.exports.make_exports import Exports
from billing.exports.models import Export
from billing.exports.request_export import UNDER_WAY_MAX
from billing.files.models import FilePiece
from billing.files.vendor_columns import VendorColumn, vendor_columns
from billing.files.xlsx import is_exact
from chassis.database import Database
from testkit.audit import deeds
from testkit.door import code_of
from testkit.outbox import bodies
from tests.billing.bill_lines import CYCLE, put_lines
from tests.billing.builders import (
    NOW,
    OTHER_PARTNER,
    BillingDoor,
    as_partner,
)

pytestmark = pytest.mark.postgres
EVIL = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", 'a "quoted", text\nof two lines', "")


async def export(door: BillingDoor, **more: Any) -> dict[str, Any]:
    """Ask for one."""
    answer = await door.post("/api/exports", {"cycle": CYCLE, **more}, as_partner())
    assert answer.status_code == 202, answer.text
    made: dict[str, Any] = answer.json()
    return made


def maker(door: BillingDoor, rows: int = 4) -> Exports:
    """What makes exports, in small portions."""

    async def now() -> Any:
        return NOW

    return Exports(door.database, now, rows)


async def made(door: BillingDoor, rows: int = 4, **more: Any) -> dict[str, Any]:
    """An export, made."""
    asked = await export(door, **more)
    await maker(door, rows).at_a_stop(door.database, NOW)
    answer = await door.get(f"/api/exports/{asked['export_id']}", as_partner())
    found: dict[str, Any] = answer.json()
    assert found["status"] == "ready", found
    return found


async def fetched(door: BillingDoor, found: dict[str, Any]) -> list[bytes]:
    """Its files, each as long as it was said to be, with the digest that was said."""
    contents = []
    for part in found["parts"]:
        path = f"/api/exports/{found['export_id']}/parts/{part['number']}"
        answer = await door.get(path, as_partner())
        assert answer.status_code == 200
        assert len(answer.content) == part["bytes"]
        assert hashlib.sha256(answer.content).hexdigest() == part["sha256"]
        assert part["file_name"] in answer.headers["content-disposition"]
        contents.append(answer.content)
    return contents


def members(archive: bytes) -> dict[str, list[list[str]]]:
    """The rows of each file of the vendor's archive."""
    files: dict[str, list[list[str]]] = {}
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        for one in tar.getmembers():
            file = tar.extractfile(one)
            assert file is not None
            files[one.name] = list(csv.reader(io.StringIO(file.read().decode(), newline="")))
    return files


async def test_the_vendors_archive_has_every_line_once(
    door: BillingDoor, database: Database
) -> None:
    lines = await put_lines(database, 10, names=EVIL)
    await put_lines(database, 3, partner_id=OTHER_PARTNER, prefix="others")
    await put_lines(database, 3, cycle="2026-10", prefix="before")
    found = await made(door)
    (archive,) = await fetched(door, found)
    files = members(archive)
    assert list(files) == [f"customerBill_202611_{n:04d}.csv" for n in (1, 2, 3)]
    headings = [one.zh for one in vendor_columns()]
    assert headings[:7] == [  # as the page shows them
        "客户ID", "产品ID", "产品类型编码", "资源类型编码", "云服务区编码", "计费模式",
        "官网页面价",
    ]  # fmt: skip
    assert all(rows[0] == headings for rows in files.values())
    assert [len(rows) - 1 for rows in files.values()] == [4, 4, 2]
    rows = [row for rows in files.values() for row in rows[1:]]
    at = headings.index("账单明细ID")
    assert sorted(row[at] for row in rows) == sorted(lines)
    assert (found["rows_done"], found["rows_total"], found["percent"]) == (10, 10, 100)
    assert found["expires_at"] == "2026-11-30T03:00:00Z"
    (fact,) = await bodies(database, "billing.export_finished")
    assert (fact["export_id"], fact["status"], fact["rows"]) == (found["export_id"], "ready", 10)


async def test_no_cell_is_a_formula(door: BillingDoor, database: Database) -> None:
    await put_lines(database, len(EVIL), names=EVIL)
    (archive,) = await fetched(door, await made(door, rows=100, language="en"))
    ((heads, *rows),) = members(archive).values()
    name, amount = heads.index("Resource Name"), heads.index("Amount Due")
    assert sorted(row[name] for row in rows) == sorted(
        "'" + one if one[:1] in "=+-@\t" and one else one for one in EVIL
    )
    assert "-1.00" in {row[amount] for row in rows}  # a number is one, below zero, too


async def test_csv_parquet_and_xlsx_hold_the_same_rows(
    door: BillingDoor, database: Database
) -> None:
    await put_lines(database, 9, names=EVIL, official="12345678901.12345678")
    columns = vendor_columns()
    rows, tables = await same_rows(door, columns)
    assert len(tables) == 3
    assert str(tables[0].schema.field("official_amount").type) == "decimal128(38, 8)"
    official = [c.field for c in columns].index("official_amount")
    assert rows[0][official] == Decimal("12345678901.12345678")


async def same_rows(
    door: BillingDoor, columns: Sequence[VendorColumn], **wanted: Any
) -> tuple[list[list[Any]], list[Any]]:
    """The rows of a CSV export, which are those of both others; and the Parquet tables."""
    (archive,) = await fetched(door, await made(door, **wanted))
    books = await fetched(door, await made(door, format="xlsx", **wanted))
    tables = await fetched(door, await made(door, format="parquet", **wanted))
    assert len(books) == len(tables)
    plain = [row for rows in members(archive).values() for row in rows[1:]]
    from_csv = [
        [_meant(c.kind, text) for c, text in zip(columns, row, strict=True)] for row in plain
    ]
    sheets = [
        CalamineWorkbook.from_filelike(io.BytesIO(one)).get_sheet_by_index(0) for one in books
    ]
    cells = [row for sheet in sheets for row in sheet.to_python()[1:]]
    from_xlsx = [[_meant(c.kind, v) for c, v in zip(columns, row, strict=True)] for row in cells]
    assert from_xlsx == from_csv
    read = [parquet.read_table(io.BytesIO(one)) for one in tables]
    from_parquet = [
        [_meant(c.kind, row[c.field]) for c in columns] for one in read for row in one.to_pylist()
    ]
    assert from_parquet == from_csv
    return from_csv, read


def _meant(kind: str, value: Any) -> Any:
    """A cell's value whatever the format writes it as; an empty text is none."""
    if value in ("", None):
        return None
    if kind in ("code", "money", "fee", "quantity"):
        return Decimal(repr(value) if isinstance(value, float) else str(value)).normalize()
    if kind == "instant":
        if isinstance(value, str):
            return value
        return (value + timedelta(hours=8)).strftime("%Y-%m-%d %H:%M:%S GMT+08:00")
    return str(value).removeprefix("'")


@pytest.mark.parametrize(
    ("text", "exact"),
    [("123456789012345", True), ("1234567890123456", False), ("-0.00000001", True),
     ("12345678901.12345678", False), ("1234567.12345678", True), ("100000000000000000.00", False)],
)  # fmt: skip
def test_an_amount_of_more_than_fifteen_digits_is_a_text(text: str, exact: bool) -> None:
    assert is_exact(text) is exact


async def test_an_empty_cycle_is_an_archive_with_headings(door: BillingDoor) -> None:
    (archive,) = await fetched(door, await made(door, cycle="2026-09"))
    assert [len(rows) for rows in members(archive).values()] == [1]


class KilledError(BaseException):
    """Ends the maker where it stands, as SIGKILL would: nothing is tidied up."""


@pytest.mark.parametrize("point", ["billing.portion_made", "billing.portion_kept"])
async def test_a_killed_export_goes_on_behind_its_last_portion(
    door: BillingDoor, database: Database, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    await put_lines(database, 10)
    (whole,) = await fetched(door, await made(door))
    asked = await export(door)
    passes = 0

    def kill(name: str) -> None:
        nonlocal passes
        passes += name == point
        if passes == 2:
            raise KilledError

    monkeypatch.setattr("billing.exports.make_exports.crash_point", kill)
    with pytest.raises(KilledError):
        await maker(door).at_a_stop(database, NOW)
    monkeypatch.undo()
    other = maker(door)
    await other.at_a_stop(database, NOW)  # the lease holds: nothing is taken
    status = (await door.get(f"/api/exports/{asked['export_id']}", as_partner())).json()["status"]
    assert status == "running"
    async with database.transaction() as session:
        await session.execute(update(Export).values(held_until=NOW - timedelta(days=9999)))
    await other.at_a_stop(database, NOW)
    found = (await door.get(f"/api/exports/{asked['export_id']}", as_partner())).json()
    (archive,) = await fetched(door, found)
    assert archive == whole


async def test_exports_are_seen_by_their_partner_alone_and_need_somebody_named(
    door: BillingDoor, database: Database
) -> None:
    found = await made(door)
    path = f"/api/exports/{found['export_id']}"
    stranger = as_partner(OTHER_PARTNER)
    assert code_of(await door.get(path, stranger)) == (404, "CHB.0404")
    assert code_of(await door.get(f"{path}/parts/1", stranger)) == (404, "CHB.0404")
    assert code_of(await door.get(f"{path}/parts/2", as_partner())) == (404, "CHB.0404")
    assert (await door.get("/api/exports", stranger)).json()["exports"] == []
    page = (await door.get("/api/exports", as_partner(), query={"status": "ready"})).json()
    assert [one["export_id"] for one in page["exports"]] == [found["export_id"]]
    unnamed = await door.post("/api/exports", {"cycle": CYCLE})
    assert code_of(unnamed) == (400, "CBC.0100")
    named = await door.post("/api/exports", {"cycle": CYCLE, "partner_id": OTHER_PARTNER})
    assert named.json()["partner_id"] == OTHER_PARTNER
    other = {"cycle": CYCLE, "partner_id": OTHER_PARTNER}
    assert code_of(await door.post("/api/exports", other, as_partner())) == (400, "CBC.0100")
    assert ("export.request", found["export_id"]) in await deeds(database)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"cycle": "2026-12"}, (400, "CBC.0100")),
        ({"format": "pdf"}, (400, "CBC.0101")),
        ({"view": "partner_owes"}, (409, "CHB.0409")),  # its bill is not settled
        ({"strange": 1}, (400, "CBC.0100")),
    ],
)
async def test_what_cannot_be_exported_is_refused(
    door: BillingDoor, more: dict[str, Any], code: tuple[int, str]
) -> None:
    assert code_of(await door.post("/api/exports", {"cycle": CYCLE, **more}, as_partner())) == code


async def test_a_stopped_export_is_made_no_further_and_an_old_one_is_forgotten(
    door: BillingDoor, database: Database
) -> None:
    await put_lines(database, 5)
    found = await made(door)
    stopped = await export(door)
    path = f"/api/exports/{stopped['export_id']}"
    answer = await door.post(f"{path}/stop", None, as_partner())
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    await maker(door).at_a_stop(database, NOW)
    assert (await door.get(path, as_partner())).json()["status"] == "cancelled"
    assert code_of(await door.get(f"{path}/parts/1", as_partner())) == (409, "CHB.0409")
    ready = f"/api/exports/{found['export_id']}"
    assert code_of(await door.post(f"{ready}/stop", None, as_partner())) == (409, "CHB.0409")
    await expire_exports(database, NOW + timedelta(days=6, hours=23))
    assert (await door.get(ready, as_partner())).json()["status"] == "ready"
    await expire_exports(database, NOW + timedelta(days=7))
    assert (await door.get(ready, as_partner())).json()["status"] == "expired"
    assert code_of(await door.get(f"{ready}/parts/1", as_partner())) == (409, "CHB.0409")
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(FilePiece)) == 0
    said = [fact["status"] for fact in await bodies(database, "billing.export_finished")]
    assert said == ["ready", "cancelled"]


async def test_only_so_many_are_under_way_at_once(door: BillingDoor) -> None:
    for _ in range(UNDER_WAY_MAX):
        await export(door)
    answer = await door.post("/api/exports", {"cycle": CYCLE}, as_partner())
    assert code_of(answer) == (409, "CHB.0409")
