"""What was sent and is read no more is forgotten, in bounded time."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from billing.files.models import FilePiece
from billing.forget_files import KEPT_DAYS, SENT_WITHIN_DAYS, forget_files
from billing.ingest.models import UsageFile
from billing.reconciliation.models import VendorRow
from chassis.database import Database
from testkit.door import ADMINISTRATOR
from testkit.outbox import bodies
from tests.billing import test_reconciliation as vendor
from tests.billing import test_usage_files as usage
from tests.billing.builders import NOW, BillingDoor, as_partner
from tests.billing.test_reconciliation import planted, put
from tests.billing.test_record_usage import vm
from tests.billing.vendor_bill import announced, archive, csv_bytes

pytestmark = pytest.mark.postgres

SECOND = timedelta(seconds=1)


async def left(database: Database) -> tuple[int, int]:
    """How many pieces of files and rows of vendors' bills there are."""
    async with database.transaction() as session:
        pieces = await session.scalar(select(func.count()).select_from(FilePiece))
        rows = await session.scalar(select(func.count()).select_from(VendorRow))
    return pieces or 0, rows or 0


async def test_a_file_whose_rest_never_comes_is_refused_and_its_parts_go(
    door: BillingDoor, database: Database
) -> None:
    """Break: leave late files alone."""
    content = b"x" * (5 * 1024 * 1024)
    told = {"file_name": "u.csv", "bytes": len(content), "sha256": "0" * 64, "keep": "valid"}
    asked = await door.post(usage.PATH, told, ADMINISTRATOR)
    path = f"{usage.PATH}/{asked.json()['file_id']}"
    part = content[: asked.json()["part_bytes"]]
    assert (await door.send("PUT", f"{path}/parts/1", part, ADMINISTRATOR)).status_code == 200
    bill = {**announced(vendor.GOOD), "bytes": len(content)}
    assert (await door.post("/api/vendor-bills", bill, as_partner())).status_code == 201
    late = NOW + timedelta(days=SENT_WITHIN_DAYS)
    await forget_files(database, late - SECOND)
    assert await left(database) == (4, 0)
    await forget_files(database, late)
    assert await left(database) == (0, 0)
    found = (await door.get(path, ADMINISTRATOR)).json()
    assert found["refused"]["reason"] == f"was not whole within {SENT_WITHIN_DAYS} days"
    assert len(await bodies(database, "billing.reconciliation_finished")) == 1


async def test_what_a_bill_and_a_failed_file_left_is_forgotten_and_their_outcome_stays(
    door: BillingDoor, database: Database
) -> None:
    """Break: forget as soon as it has ended; forget no rows; ask for pieces by another name."""
    made = planted(40)
    await put(database, made)
    found = await vendor.compared(door, archive(csv_bytes(made.rows)))
    assert await left(database) == (0, len(made.rows))
    await usage.send(door, usage.text_of([vm("r1", "1")]))
    async with database.transaction() as session:
        await session.execute(update(UsageFile).values(status="failed", ended_at=NOW))
    over = NOW + timedelta(days=KEPT_DAYS)
    await forget_files(database, over - SECOND)
    assert await left(database) == (1, len(made.rows))
    await forget_files(database, over)
    assert await left(database) == (0, 0)
    there = await vendor.differences(door, found)
    assert len(there) == len(made.expected)
    assert all(one["theirs"] for one in there if one["kind"] == "missing_here")
