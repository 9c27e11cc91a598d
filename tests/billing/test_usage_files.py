"""Files of usage: rated and charged as by the door, each refused row told with its line and why."""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterable
from typing import Any

import pytest
from sqlalchemy import update

from billing.ingest import run_files
from billing.ingest.models import UsageFile
from billing.ingest.read_rows import read_rows
from billing.ingest.run_files import UsageFiles
from billing.lines.models import BillLine
from billing.parts import BillingParts
from billing.prices.catalogue import load_catalogue
from chassis.database import Database
from testkit import outbox
from testkit.door import ADMINISTRATOR, code_of
from tests.billing.builders import (
    CUSTOMER,
    NOW,
    OTHER_CUSTOMER,
    BillingDoor,
    as_partner,
    balance_of,
    money,
    prove,
)
from tests.billing.test_record_usage import lines_of, record, usage, vm

pytestmark = pytest.mark.postgres

PATH = "/api/usage-files"
Json = dict[str, Any]
COLUMNS = (
    "record_id", "customer_id", "service_type_code", "resource_type_code", "resource_spec_code",
    "region_code", "resource_id", "usage_value", "usage_measure_id", "measure_size", "used_until",
    "currency", "charged_at",
)  # fmt: skip


def text_of(rows: Iterable[Json], end: str = "\n") -> bytes:
    """A CSV file of records as the door takes them."""
    lines = [",".join(COLUMNS)]
    lines += [",".join(str(row.get(name) or "") for name in COLUMNS) for row in rows]
    return (end.join(lines) + end).encode()


async def send(door: BillingDoor, content: bytes, keep: str = "valid") -> str:
    """Announce a file and send it; its id."""
    digest = hashlib.sha256(content).hexdigest()
    told = {"file_name": "u.csv", "bytes": len(content), "sha256": digest, "keep": keep}
    answer = await door.post(PATH, told, ADMINISTRATOR)
    assert answer.status_code == 201, answer.text
    found = answer.json()
    for number in range(1, found["parts_total"] + 1):
        part = content[(number - 1) * found["part_bytes"] : number * found["part_bytes"]]
        path = f"{PATH}/{found['file_id']}/parts/{number}"
        sent = await door.send("PUT", path, part, ADMINISTRATOR)
        assert sent.status_code == 200, sent.text
    return str(found["file_id"])


def worker(door: BillingDoor) -> UsageFiles:
    async def now() -> Any:
        return NOW

    parts: BillingParts = door.app.parts
    return UsageFiles(door.database, load_catalogue(), parts.usage_coupons, now)


async def shown(door: BillingDoor, file_id: str) -> Json:
    found: Json = (await door.get(f"{PATH}/{file_id}", ADMINISTRATOR)).json()
    return found


async def charged(door: BillingDoor, content: bytes, keep: str = "valid") -> Json:
    """A file, sent and worked off."""
    file_id = await send(door, content, keep)
    await worker(door).at_a_stop(door.database, NOW)
    return await shown(door, file_id)


async def reasons(door: BillingDoor, file_id: str) -> list[tuple[int, str, str]]:
    """(line, code, why), in the order of the file."""
    answer = await door.get(f"{PATH}/{file_id}/refusals", ADMINISTRATOR)
    return [(one["line"], one["code"], one["reason"]) for one in answer.json()["refusals"]]


async def test_a_file_charges_what_the_door_would_with_one_movement_for_a_payer(
    door: BillingDoor, database: Database
) -> None:
    """Cash goes first, line after line. Break: let each line ask the account anew."""
    await door.top_up(CUSTOMER, "0.10")
    rows = [usage("r1"), vm("r2", "1"), vm("r3", "2"), usage("o1", customer_id=OTHER_CUSTOMER)]
    found = await charged(door, text_of(rows))
    assert (found["status"], found["rows_read"], found["rows_charged"]) == ("done", 4, 4)
    lines = {line.usage_record_id: line for line in await lines_of(database)}
    paid = [(one.cash_amount, one.debt_amount) for _, one in sorted(lines.items())]
    assert paid == [
        (money("0.00"), money("0.04")),  # the other customer has nothing
        (money("0.04"), money("0.00")),
        (money("0.06"), money("0.01")),
        (money("0.00"), money("0.14")),
    ]
    assert lines["r1"].official_amount == money("0.04599822")
    assert len({lines[name].trade_id for name in ("r1", "r2", "r3")}) == 1
    assert (await balance_of(database, CUSTOMER)).balance == 0
    moved = [
        one
        for one in await outbox.bodies(database, "billing.funds_moved")
        if one["reason"] == "SOURCE_OPERAIION_USAGE"
    ]
    assert [one["amount"] for one in moved] == ["-0.10"]
    assert len(await outbox.bodies(database, "billing.line_recorded")) == 4
    assert (await prove(door))["balanced"]


@pytest.mark.parametrize("name", [r"\N", "a\\tb\tc", "丙\\", '"x"\r'])
async def test_a_line_of_a_file_says_what_the_doors_does_whatever_a_name_holds(
    door: BillingDoor, database: Database, name: str
) -> None:
    """Break: leave `translate` out of `line_as_text`."""
    rows = [vm("r1", "1.5"), usage("r2")]
    await record(door, *({**row, "resource_name": name} for row in rows))
    head, *others = text_of({**row, "record_id": f"file-{row['record_id']}"} for row in rows).split(
        b"\n"
    )
    quoted = b',"' + name.replace('"', '""').encode() + b'"'
    lines = [head + b",resource_name", *(one + quoted for one in others if one)]
    found = await charged(door, b"\n".join(lines))
    assert (found["rows_charged"], found["rows_refused"]) == (2, 0)
    said: dict[str, list[Json]] = {}
    for line in await lines_of(database):
        told = {column.key: getattr(line, column.key) for column in BillLine.__table__.columns}
        record_id = told.pop("usage_record_id").removeprefix("file-")
        del told["line_id"], told["trade_id"]
        said.setdefault(record_id, []).append(told)
    assert [one["resource_name"] for one in said["r1"]] == [name, name]
    for by_door, by_file in said.values():
        assert by_door == by_file


async def test_a_record_is_charged_once_whatever_brings_it(
    door: BillingDoor, database: Database
) -> None:
    """By the door, by a file, twice in one file, and by the same file again."""
    await record(door, vm("r1", "1"))
    content = text_of([vm("r1", "1"), vm("r2", "1"), vm("r2", "1")])
    first = await charged(door, content)
    assert (first["rows_charged"], first["rows_known"]) == (1, 2)
    again = await charged(door, content)
    assert (again["rows_charged"], again["rows_known"]) == (0, 3)
    assert len(await lines_of(database)) == 2


WRONG: list[tuple[str, str, str]] = [
    ('r2,{customer},"ecs', "CBC.0100", "broken quoting"),
    ("r3,{customer}", "CBC.0100", "2 values below"),
    ("r4,nobody,{vm},1,4,,{at},,", "CBC.99000035", "customer_id"),
    ("r5,{customer},{vm},1,4,,{at},USD,", "CBC.0101", "currency"),
    ("r6,{customer},{vm},1.00000000001,4,,{at},,", "CBC.0100", "usage_value"),
    ("r7,{customer},{vm},-1,4,,{at},,", "CBC.0100", "usage_value"),
    ("r7e,{customer},{vm},1e2,4,,{at},,", "CBC.0100", "usage_value"),
    ("r8,{customer},{vm},1,777,,{at},,", "CBC.99006024", ""),
    ("r9,{customer},{vm},1,17,,{at},,", "CBC.99006050", ""),
    ("r10,{customer},{vm},1,4,,2026-11-23T03:00:01Z,,", "CBC.0100", "used_until"),
    ("r11,{customer},{vm},1,4,,{at},,2026-10-31T15:59:59Z", "CBC.0100", "charged_at"),
    ("r12,{customer},a,b,c,d,e,1,4,,{at},,", "CBC.99006006", ""),
    ("r13,{customer},{vm},1,4,,yesterday,,", "CBC.0100", "used_until"),
    (",{customer},{vm},1,4,,{at},,", "CBC.0100", "record_id"),
]
VM = "hws.service.type.ec2,hws.resource.type.vm,s6.small.1.linux,cn-north-4,vm-1"


def with_wrong_rows() -> bytes:
    """One good row before them, and one behind."""
    wrong = [row.format(customer=CUSTOMER, vm=VM, at="2026-11-23T02:00:00Z") for row, _, _ in WRONG]
    good = text_of([vm("good-1", "1"), vm("good-2", "1")]).decode().splitlines()
    lines = [*good[:2], *wrong, "", good[2]]
    raw = "\n".join(lines).encode()
    return raw + b"\n" + b"\xff\xfe\n" + b"x" * 20_000 + b"\na\0b\n"


UNREADABLE = ["no UTF-8", "a line of more than 16384 bytes", "a NUL"]


async def test_wrong_rows_are_told_and_the_rest_is_kept_where_that_was_asked_for(
    door: BillingDoor, database: Database
) -> None:
    """Break: let a broken quote swallow the line behind it."""
    found = await charged(door, with_wrong_rows())
    count = len(WRONG) + len(UNREADABLE)
    assert (found["status"], found["rows_charged"], found["rows_refused"]) == ("done", 2, count)
    told = await reasons(door, found["file_id"])
    assert [line for line, _, _ in told[: len(WRONG)]] == list(range(3, 3 + len(WRONG)))
    for (_, code, why), (line, said, reason) in zip(WRONG, told, strict=False):
        assert (said, why in reason) == (code, True), (line, reason)
    assert [reason for _, _, reason in told[len(WRONG) :]] == UNREADABLE
    assert {line.usage_record_id for line in await lines_of(database)} == {"good-1", "good-2"}
    stated = await outbox.bodies(database, "billing.usage_refused")
    assert {one["customer_id"] for one in stated} == {CUSTOMER}
    assert [one["refusal_code"] for one in stated if one["record_id"] == "r5"] == ["CBC.0101"]


async def unrated(door: BillingDoor, cycle: str) -> tuple[int, list[str]]:
    """What the month's checklist says of records that are on no bill."""
    answer = await door.get(f"/api/cycles/{cycle}/checklist", ADMINISTRATOR)
    [item] = [one for one in answer.json()["items"] if one["item"] == "unrated_records"]
    assert (item["waived_by"], item["passed"]) == (["administrator"], item["count"] == 0)
    return item["count"], item["found"]


async def test_a_months_checklist_counts_records_that_are_on_no_bill(door: BillingDoor) -> None:
    """Until they come again and are charged; what does not say when counts where it came.

    Break: leave `charged_records` out of the query.
    """
    found = await charged(door, with_wrong_rows())
    file_id, whole = found["file_id"], found["rows_refused"]
    october = [f"CBC.0100 r11 of {file_id}"]
    assert await unrated(door, "2026-10") == (1, october)
    count, told = await unrated(door, "2026-11")
    assert (count, f"CBC.99006006 r12 of {file_id}" in told) == (whole - 1, True)
    assert not set(october) & set(told)
    waiting = await send(door, text_of([vm("r12", "1"), vm("r13", "1")]))
    count, told = await unrated(door, "2026-11")
    assert (count, f"queued {waiting}" in told) == (whole, True)
    await worker(door).at_a_stop(door.database, NOW)
    assert (await unrated(door, "2026-11"))[0] == whole - 3


async def test_nothing_of_a_file_is_charged_where_it_was_to_be_whole(
    door: BillingDoor, database: Database
) -> None:
    """Break: charge each batch as it is found good."""
    found = await charged(door, with_wrong_rows(), "all")
    assert (found["status"], found["rows_charged"]) == ("refused", 0)
    assert found["rows_refused"] == len(WRONG) + len(UNREADABLE)
    assert "rows were refused" in found["refused"]["reason"]
    assert await lines_of(database) == []
    assert len(await reasons(door, found["file_id"])) == found["rows_refused"]
    whole = await charged(door, text_of([vm("r1", "1"), vm("r2", "1")]), "all")
    assert (whole["status"], whole["rows_charged"]) == ("done", 2)


def archived(*members: tuple[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in members:
            head = tarfile.TarInfo(name)
            head.size = len(content)
            tar.addfile(head, io.BytesIO(content))
    return packed.getvalue()


async def test_archives_are_read_member_by_member(door: BillingDoor) -> None:
    first = text_of([vm("r1", "1")])
    second = b"\xef\xbb\xbf" + text_of([vm("r2", "1"), vm("r3", "-1")], "\r\n")
    found = await charged(door, archived(("a.csv", first), ("b.csv", second)))
    assert (found["status"], found["rows_charged"], found["rows_refused"]) == ("done", 2, 1)
    answer = await door.get(f"{PATH}/{found['file_id']}/refusals", ADMINISTRATOR)
    [refused] = answer.json()["refusals"]
    assert (refused["member"], refused["line"], refused["number"]) == ("b.csv", 3, 3)
    zipped = await charged(door, gzip.compress(text_of([vm("r4", "1")])))
    assert zipped["rows_charged"] == 1


BAD_FILES: list[tuple[bytes, str]] = [
    (b"\n", "empty"),
    (b"record_id,smile\n", "no such column: smile"),
    (b"record_id,record_id\n", "stands twice"),
    (b"record_id\n", "no column for customer_id"),
    (text_of([]), "no rows"),
    (gzip.compress(text_of([]) + b"0" * 30_000_000), "times its size"),
    (gzip.compress(text_of([vm("r1", "1")]))[:-20], "broken off"),
    (archived(("../u.csv", text_of([vm("r1", "1")]))), "leads out of the archive"),
    (archived(("u.exe", b"MZ")), "something else than a CSV file"),
]


@pytest.mark.parametrize(("content", "why"), BAD_FILES, ids=[why for _, why in BAD_FILES])
async def test_a_file_that_means_nothing_is_refused(
    door: BillingDoor, content: bytes, why: str
) -> None:
    found = await charged(door, content)
    assert found["status"] == "refused", found
    assert why in found["refused"]["reason"]


class Endless(io.RawIOBase):
    """Two gigabytes without a line's end, behind the headings."""

    def __init__(self) -> None:
        super().__init__()
        self.left = 2 * 1024**3
        self.head = text_of([])
        self.largest = 0

    def seek(self, *_: int) -> int:
        self.head = text_of([])
        return 0

    def read(self, size: int = -1) -> bytes:
        assert 0 < size <= 1024 * 1024
        if self.head:
            head, self.head = self.head[:size], self.head[size:]
            return head
        part = min(size, self.left)
        self.left -= part
        return b"x" * part


def test_a_line_of_two_gigabytes_is_one_refused_row() -> None:
    """In memory there is a block of it, never the line: it takes no longer than reading does."""
    [row] = list(read_rows(Endless()))  # type: ignore[arg-type]
    assert (row.line, row.record) == (2, None)
    assert row.reason == "a line of more than 16384 bytes"


class KilledError(Exception):
    """As if the process were gone."""


async def test_a_killed_file_goes_on_behind_its_last_batch(
    door: BillingDoor, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Break: begin at the first row with the counts as they were."""
    monkeypatch.setattr(run_files, "ROWS_AT_ONCE", 2)
    content = text_of([vm(f"r{number}", "1") for number in range(5)])
    file_id = await send(door, content)
    batches = []

    def kill(name: str) -> None:
        batches.append(name)
        if len(batches) == 2:
            raise KilledError

    monkeypatch.setattr(run_files, "crash_point", kill)
    await worker(door).at_a_stop(door.database, NOW)
    half = await shown(door, file_id)
    assert (half["status"], half["rows_read"]) == ("running", 4)
    async with database.transaction() as session:
        await session.execute(update(UsageFile).values(held_until=None))
    await worker(door).at_a_stop(door.database, NOW)
    whole = await shown(door, file_id)
    assert (whole["status"], whole["rows_charged"], whole["rows_known"]) == ("done", 5, 0)
    assert len(await lines_of(database)) == 5
    assert (await prove(door))["balanced"]


async def test_only_the_administrator_sends_usage_and_parts_are_as_they_were_announced(
    door: BillingDoor,
) -> None:
    content = text_of([vm("r1", "1")])
    told = {"file_name": "u.csv", "bytes": len(content), "sha256": "0" * 64, "keep": "valid"}
    assert code_of(await door.post(PATH, told, as_partner()))[0] == 403
    assert code_of(await door.post(PATH, {**told, "keep": "some"}, ADMINISTRATOR)) == (
        400, "CBC.0101",
    )  # fmt: skip
    file_id = (await door.post(PATH, told, ADMINISTRATOR)).json()["file_id"]
    path = f"{PATH}/{file_id}/parts"
    short = await door.send("PUT", f"{path}/1", content[:-1], ADMINISTRATOR)
    assert code_of(short) == (400, "CBC.0100")
    assert (await door.send("PUT", f"{path}/1", content, ADMINISTRATOR)).status_code == 200
    again = await door.send("PUT", f"{path}/1", content, ADMINISTRATOR)
    assert again.json()["code"] == "CHB.0409"
    await worker(door).at_a_stop(door.database, NOW)
    found = await shown(door, file_id)
    assert (found["status"], "SHA-256" in found["refused"]["reason"]) == ("refused", True)
    assert (await door.get(f"{PATH}/nothing", ADMINISTRATOR)).status_code == 404
