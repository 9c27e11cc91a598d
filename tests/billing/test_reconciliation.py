"""The vendor's bill beside ours: every planted difference is found, and none is invented."""

import io
import tarfile
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select

from billing.reconciliation.models import VendorRow
from billing.reconciliation.run_reconciliations import Reconciliations
from chassis.database import Database
from testkit.audit import deeds
from testkit.door import ADMINISTRATOR, code_of
from testkit.outbox import bodies
from tests.billing.bill_lines import bill_line
from tests.billing.builders import NOW, OTHER_PARTNER, BillingDoor, as_partner
from tests.billing.vendor_bill import (
    KINDS,
    SAID,
    Planted,
    announced,
    archive,
    csv_bytes,
    row_of,
    zipped,
)

pytestmark = pytest.mark.postgres
Json = dict[str, Any]


async def send(door: BillingDoor, content: bytes, **more: Any) -> str:
    """Announce a bill and send it; its id."""
    answer = await door.post("/api/vendor-bills", announced(content, **more), as_partner())
    assert answer.status_code == 201, answer.text
    found = answer.json()
    for number in range(1, found["parts_total"] + 1):
        begin = (number - 1) * found["part_bytes"]
        path = f"/api/vendor-bills/{found['reconciliation_id']}/parts/{number}"
        part = content[begin : begin + found["part_bytes"]]
        sent = await door.send("PUT", path, part, as_partner())
        assert sent.status_code == 200, sent.text
    assert sent.json()["status"] == "queued"
    return str(found["reconciliation_id"])


def worker(door: BillingDoor) -> Reconciliations:
    """What compares."""

    async def now() -> Any:
        return NOW

    return Reconciliations(door.database, now)


async def compared(door: BillingDoor, content: bytes, **more: Any) -> Json:
    """A bill, sent and compared."""
    reconciliation_id = await send(door, content, **more)
    await worker(door).at_a_stop(door.database, NOW)
    found: Json = (await door.get(f"/api/reconciliations/{reconciliation_id}", as_partner())).json()
    return found


async def differences(door: BillingDoor, found: Json, **query: str) -> list[Json]:
    """All pages of them."""
    rows: list[Json] = []
    asked = {"limit": "7", **query}
    while True:
        path = f"/api/reconciliations/{found['reconciliation_id']}/differences"
        page = (await door.get(path, as_partner(), query=asked)).json()
        rows += page["differences"]
        if page["next"] is None:
            return rows
        asked["after"] = page["next"]


def planted(count: int, every: int = 20) -> Planted:
    """So many lines and the vendor's rows of them, with differences of every kind."""
    lines = [bill_line(number) for number in range(count)]
    made = Planted([row_of(line) for line in lines], lines)
    made.plant(every, KINDS)
    return made


async def put(database: Database, made: Planted) -> None:
    async with database.transaction() as session:
        session.add_all(made.lines)


FORMS: dict[str, Callable[[Any], bytes]] = {
    "as the vendor writes it": lambda rows: archive(csv_bytes(rows[:900]), csv_bytes(rows[900:])),
    "another order": lambda rows: archive(csv_bytes(rows, tuple(reversed(SAID)))),
    "an unknown column": lambda rows: archive(csv_bytes(rows, others={"优惠活动": "双十一"})),
    "CRLF and a mark": lambda rows: zipped(csv_bytes(rows, end="\r\n", mark=b"\xef\xbb\xbf")),
    "plain": csv_bytes,
}


@pytest.mark.parametrize("form", FORMS)
async def test_every_planted_difference_is_found_and_none_is_invented(
    door: BillingDoor, database: Database, form: str
) -> None:
    made = planted(1800)
    await put(database, made)
    found = await compared(door, FORMS[form](made.rows))
    assert (found["status"], found["refused"]) == ("compared", None)
    rows = await differences(door, found, limit="1000")
    said = [(row["kind"], (row["theirs"] or row["ours"])["trade_id"]) for row in rows]
    assert Counter(said) == Counter(made.expected)
    counts = {one["kind"]: one["count"] for one in found["differences"]}
    assert counts == Counter(kind for kind, _ in made.expected) == dict.fromkeys(KINDS, 10)
    assert found["differences_open"] == 90
    more = sum((Decimal(row["difference"]) for row in rows), Decimal(0))
    sums = {
        one["side"]: Decimal(one["payable"]) for one in found["sums"] if one["currency"] == "CNY"
    }
    dollars = [Decimal(one["payable"]) for one in found["sums"] if one["currency"] == "USD"]
    # What lies in another cycle is in the difference of the row, and in no sum of this one.
    elsewhere = sum(Decimal(row["ours"]["payable"]) for row in rows if row["kind"] == "cycle_moved")
    assert sums["theirs"] + sum(dollars) - sums["ours"] == more + elsewhere
    if form == "an unknown column":
        row = next(row for row in rows if row["theirs"])
        assert row["theirs"]["others"] == [{"name": "优惠活动", "value": "双十一"}]
    (fact,) = await bodies(database, "billing.reconciliation_finished")
    assert (fact["status"], fact["differences"]) == ("compared", 90)


async def test_equal_bills_differ_in_nothing(door: BillingDoor, database: Database) -> None:
    lines = [bill_line(number) for number in range(30)]
    rows = [row_of(line) for line in lines]
    await put(database, Planted(rows, lines))
    found = await compared(door, archive(csv_bytes(rows)))
    assert (found["differences"], found["differences_open"], found["rows_read"]) == ([], 0, 30)


async def test_our_own_export_reads_as_equal(door: BillingDoor, database: Database) -> None:
    """What we write by default is what we read: headings, instants, charging modes, amounts."""
    from tests.billing.test_exports import fetched, made

    lines = [bill_line(number, resource_name="=evil") for number in range(12)]
    await put(database, Planted([], lines))
    (content,) = await fetched(door, await made(door))
    found = await compared(door, content)
    assert (found["status"], found["differences"]) == ("compared", [])


async def test_a_file_without_charges_is_compared_by_sums(
    door: BillingDoor, database: Database
) -> None:
    lines = [bill_line(number) for number in range(30)]
    rows = [row_of(line) for line in lines]
    rows[4]["payment_amount"] = str(Decimal(rows[4]["payment_amount"]) + Decimal("0.05"))
    stranger = {**rows[5], "customer_id": "stranger"}
    await put(database, Planted(rows, lines))
    fields = [name for name in SAID if name not in ("trade_id", "trade_time")]
    found = await compared(door, archive(csv_bytes([*rows, stranger], fields)))
    rows_found = await differences(door, found)
    assert [(row["kind"], row["difference"]) for row in rows_found] == [
        ("amount", "0.05"), ("customer_unknown", "6.00"),
    ]  # fmt: skip
    assert (rows_found[0]["theirs"]["rows"], rows_found[0]["ours"]["rows"]) == (20, 20)


@pytest.mark.parametrize(
    ("line", "row", "kind", "reason"),
    [
        ({}, {"payment_amount": "2.00123456"}, "amount", "truncation"),
        ({"coupon_amount": Decimal("0.50"), "cash_amount": Decimal("1.50")},
         {"payment_amount": "1.50"}, "amount", "voucher"),
        ({}, {"official_amount": "9"}, "list_price", "price_row"),
        ({"bill_cycle": "2026-12", "late_for": "2026-11"}, {}, "cycle_moved", "late_line"),
        ({}, {"payment_amount": "7.77"}, "amount", None),
    ],
)  # fmt: skip
async def test_a_reason_is_said_where_it_is_known(
    door: BillingDoor, database: Database, line: Json, row: Json, kind: str, reason: str | None
) -> None:
    plain = row_of(bill_line(1))
    await put(database, Planted([], [bill_line(1, **line), bill_line(2)]))
    content = archive(csv_bytes([{**plain, **row}, row_of(bill_line(2))]))
    (found,) = await differences(door, await compared(door, content))
    assert (found["kind"], found["reason"]) == (kind, reason)


async def test_what_a_master_paid_for_its_member_is_told_as_such(
    door: BillingDoor, database: Database
) -> None:
    """The vendor bills it to the master, and we bill it to the member."""
    line = bill_line(1, payer_id="customer-2")
    await put(database, Planted([], [line]))
    content = archive(csv_bytes([{**row_of(line), "customer_id": "customer-2"}]))
    rows = await differences(door, await compared(door, content))
    assert [(row["kind"], row["reason"]) for row in rows] == [
        ("missing_here", "custody_split"), ("missing_there", "custody_split"),
    ]  # fmt: skip


BIG = b"a" * (1024 * 1024 + 10)
GOOD = csv_bytes([row_of(bill_line(1))])


def with_cell(name: str, value: str) -> bytes:
    return csv_bytes([row_of(bill_line(2)), {**row_of(bill_line(1)), name: value}])


BOMB = zipped(
    csv_bytes([])
    + csv_bytes([{**row_of(bill_line(2)), "resource_id": "x" * 1000}]).split(b"\n", 1)[1] * 20_000
)


def linked() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        member = tarfile.TarInfo("a.csv")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(member)
    return made.getvalue()


def with_long_head() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz", format=tarfile.PAX_FORMAT) as tar:
        member = tarfile.TarInfo("a.csv")
        member.pax_headers = {"comment": "x" * 100_000}
        tar.addfile(member)
    return made.getvalue()


BAD: dict[str, tuple[bytes, int | None, str]] = {
    "a gzip bomb": (BOMB, None, "more than 200 times"),
    "a tar that leads out": (archive(GOOD, name="../../x{}.csv"), None, "out of the archive"),
    "a tar with a link": (linked(), None, "something else than a file"),
    "a tar with a long head": (with_long_head(), None, "head has more than"),
    "a tar with a program": (archive(GOOD, name="x{}.exe"), None, "than a CSV file"),
    "one endless line": (GOOD + BIG, 3, "a line of more than"),
    "broken quoting": (GOOD + b'a,"b"c,d\n', 3, "broken quoting"),
    "a quote that never ends": (GOOD + b'a,"b\n', 3, "broken quoting"),
    "another currency": (with_cell("currency", "XAU"), 3, "no such currency: XAU"),
    "a word for an amount": (with_cell("payment_amount", "much"), 3, "not a number"),
    "too many decimals": (with_cell("official_amount", "1.12345678901"), 3, "10 decimals"),
    "no day": (with_cell("trade_time", "2026-02-30 00:00:00"), 3, "客户交易时间"),
    "another month": (with_cell("bill_cycle", "2026-10"), 3, "of the cycle 2026-10"),
    "no customer": (with_cell("customer_id", ""), 3, "no customer"),
    "too few values": (GOOD + b"1,2\n", 3, "2 values below 15 headings"),
    "no headings that are known": (b"a,b\n1,2\n", 1, "no column for customer_id"),
    "a heading twice": (b"a,a\n1,2\n", 1, "stands twice"),
    "no text": (b"\xff\xfe\n", 1, "no UTF-8"),
    "no rows": (csv_bytes([]), None, "no rows"),
    "a broken gzip": (zipped(GOOD)[:-20], None, "broken off"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
async def test_bad_files_are_refused_with_line_and_reason_and_nothing_is_kept(
    door: BillingDoor, database: Database, name: str
) -> None:
    content, line, reason = BAD[name]
    found = await compared(door, content)
    assert found["status"] == "refused"
    assert reason in found["refused"]["reason"]
    assert found["refused"]["line"] == line
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(VendorRow)) == 0
    (fact,) = await bodies(database, "billing.reconciliation_finished")
    assert (fact["status"], fact["rows"]) == ("refused", 0)


async def test_another_file_than_was_announced_is_refused(door: BillingDoor) -> None:
    found = await compared(door, GOOD, sha256="0" * 64)
    assert (found["status"], "SHA-256" in found["refused"]["reason"]) == ("refused", True)


async def test_only_whole_parts_of_the_callers_own_bill_are_taken(door: BillingDoor) -> None:
    asked = await door.post("/api/vendor-bills", announced(GOOD), as_partner())
    path = f"/api/vendor-bills/{asked.json()['reconciliation_id']}/parts/"
    assert code_of(await door.send("PUT", path + "2", GOOD, as_partner())) == (400, "CBC.0100")
    assert code_of(await door.send("PUT", path + "1", GOOD[1:], as_partner())) == (400, "CBC.0100")
    stranger = await door.send("PUT", path + "1", GOOD, as_partner(OTHER_PARTNER))
    assert code_of(stranger) == (404, "CHB.0404")
    assert (await door.send("PUT", path + "1", GOOD, as_partner())).status_code == 200
    assert code_of(await door.send("PUT", path + "1", GOOD, as_partner())) == (409, "CHB.0409")
    ahead = await door.post("/api/vendor-bills", announced(GOOD, cycle="2026-12"), as_partner())
    assert code_of(ahead) == (400, "CBC.0100")


async def test_a_killed_comparison_begins_its_step_again(
    door: BillingDoor, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = planted(200)
    await put(database, made)
    reconciliation_id = await send(door, archive(csv_bytes(made.rows)))
    for point in ("billing.bill_read", "billing.bill_compared"):

        def kill(name: str, point: str = point) -> None:
            if name == point:
                raise KilledError

        monkeypatch.setattr("billing.reconciliation.run_reconciliations.crash_point", kill)
        with pytest.raises(KilledError):
            await worker(door).at_a_stop(database, NOW)
        await worker(door).at_a_stop(database, NOW)  # the lease holds
        await free(database)
    monkeypatch.undo()
    await worker(door).at_a_stop(database, NOW)
    found = (await door.get(f"/api/reconciliations/{reconciliation_id}", as_partner())).json()
    assert found["status"] == "compared"
    assert len(await differences(door, found)) == len(made.expected)
    assert len(await bodies(database, "billing.reconciliation_finished")) == 1


class KilledError(BaseException):
    """Ends the worker where it stands, as SIGKILL would."""


async def free(database: Database) -> None:
    """Let the dead worker's lease end."""
    from sqlalchemy import update

    from billing.reconciliation.models import Reconciliation

    async with database.transaction() as session:
        await session.execute(update(Reconciliation).values(held_until=NOW - timedelta(days=9999)))


async def test_a_difference_is_decided_and_audited(door: BillingDoor, database: Database) -> None:
    made = planted(40)
    mended = archive(csv_bytes([row_of(line) for line in made.lines]))
    await put(database, made)
    found = await compared(door, archive(csv_bytes(made.rows)))
    path = f"/api/reconciliations/{found['reconciliation_id']}/differences"
    said = {"state": "disputed", "note": "sent back"}
    answer = await door.put(f"{path}/1/state", said, as_partner())
    assert (answer.json()["state"], answer.json()["note"]) == ("disputed", "sent back")
    assert [row["number"] for row in await differences(door, found, state="disputed")] == [1]
    shown = await door.get(f"/api/reconciliations/{found['reconciliation_id']}", as_partner())
    assert shown.json()["differences_open"] == len(made.expected) - 1
    assert ("difference.decide", f"{found['reconciliation_id']}/1") in await deeds(database)
    for who, number, status in ((as_partner(OTHER_PARTNER), 1, 404), (as_partner(), 99, 404)):
        assert (await door.put(f"{path}/{number}/state", said, who)).status_code == status
    assert (await door.put(f"{path}/1/state", {"state": "open"}, as_partner())).status_code == 400
    open_ones = await open_in_checklist(door)
    assert open_ones[0] == len(made.expected), "a disputed one is not settled"
    assert await door.put(f"{path}/1/state", {"state": "accepted"}, as_partner())
    assert (await open_in_checklist(door))[0] == len(made.expected) - 1
    assert all(one.startswith("partner-1 ") for one in open_ones[1])
    await compared(door, mended)
    assert await open_in_checklist(door) == (0, []), "the newest comparison is looked at"


async def open_in_checklist(door: BillingDoor) -> tuple[int, list[str]]:
    """What the month's checklist says of differences. Break: count each comparison of a month."""
    answer = await door.get("/api/cycles/2026-11/checklist", ADMINISTRATOR)
    [item] = [one for one in answer.json()["items"] if one["item"] == "reconciliation_differences"]
    return item["count"], item["found"]
