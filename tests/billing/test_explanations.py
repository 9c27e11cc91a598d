"""How a line came about, and what was known of it when."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from billing.lines.models import BillLine
from chassis.database import Database
from testkit.door import ADMINISTRATOR, code_of
from tests.billing.builders import (
    CUSTOMER,
    NOW,
    OTHER_CUSTOMER,
    OTHER_PARTNER,
    BillingDoor,
    as_customer,
    as_partner,
)
from tests.billing.lines import bill_line
from tests.billing.test_records import add

pytestmark = pytest.mark.postgres

LINES = f"/api/bill-lines?cycle=2026-11&customer_id={CUSTOMER}"
HOUR = timedelta(hours=1)


async def listed(door: BillingDoor, query: str = "", by: Any = None) -> tuple[Any, dict[str, Any]]:
    """The sum and the lines by id, page by page."""
    lines: dict[str, Any] = {}
    after = ""
    while True:
        answer = await door.get(f"{LINES}{query}&limit=2{after}", by or as_customer())
        assert answer.status_code == 200, answer.text
        shown = answer.json()
        lines |= {line["line_id"]: line for line in shown["bill_lines"]}
        if shown["next"] is None:
            return shown["sums"], lines
        after = f"&after={shown['next']}"


async def write_off(database: Database, line_id: str, amount: str, hours: int) -> None:
    async with database.transaction() as session:
        line = (await session.scalars(select(BillLine).where(BillLine.line_id == line_id))).one()
        line.write_off(Decimal(amount), NOW + hours * HOUR)


async def test_a_figure_stays_what_it_was_known_as(door: BillingDoor, database: Database) -> None:
    """Break: take the latest version in place of the first that ended later, or every line."""
    await add(
        database,
        bill_line("owed", cash_amount=2, debt_amount=3),
        bill_line("late", known_at=NOW + 3 * HOUR, late_for="2026-10"),
        bill_line("plain", cash_amount=7),
    )
    await write_off(database, "owed", "1.00", 1)
    await write_off(database, "owed", "2.00", 2)
    for hours, debt, written, count in (
        (0, "3.00", "0.00", 2), (1, "2.00", "1.00", 2), (2, "0.00", "3.00", 2),
        (3, "0.00", "3.00", 3),
    ):  # fmt: skip
        at = (NOW + hours * HOUR).isoformat().replace("+00:00", "Z")
        total, lines = await listed(door, f"&as_known_at={at}")
        assert (lines["owed"]["debt_amount"], lines["owed"]["writeoff_amount"]) == (debt, written)
        assert (total["debt_amount"], total["writeoff_amount"]) == (debt, written)
        assert total["lines"] == len(lines) == count
    now_total, now_lines = await listed(door)
    assert (now_total, now_lines) == (total, lines)
    _, late = await listed(door, "&late=true")
    assert {line["late_for"] for line in late.values()} == {"2026-10"}


async def test_a_line_says_how_it_came_about(door: BillingDoor, database: Database) -> None:
    record = {
        "record_id": "record-1", "customer_id": CUSTOMER,
        "service_type_code": "hws.service.type.ebs",
        "resource_type_code": "hws.resource.type.volume", "resource_spec_code": "GPSSD",
        "region_code": "cn-north-4", "resource_id": "volume-1", "usage_value": 25874,
        "usage_measure_id": 6, "measure_size": 10, "used_until": "2026-11-23T02:00:00Z",
    }  # fmt: skip
    answer = await door.post("/api/usage-records", {"records": [record]})
    assert answer.status_code == 201, answer.text
    (charged,) = answer.json()["lines"]
    line_id = charged["line_id"]
    await add(
        database,
        bill_line("correction", corrects=line_id, bill_type=9, cash_amount=Decimal("-0.01")),
    )
    shown = await door.get(f"/api/bill-lines/{line_id}/explanation", as_customer())
    assert shown.status_code == 200, shown.text
    told = shown.json()
    assert (told["source"], told["source_id"]) == ("usage_record", "record-1")
    assert told["price"]["product_id"] == told["line"]["product_id"]
    assert told["formula"].startswith("25874【使用量】/3600【单位转换】*10【规格】*")
    assert [(one["means"], one["amount"]) for one in told["payments"]] == [
        ("debt", charged["debt_amount"])
    ]
    assert [one["line_id"] for one in told["corrected_by"]] == ["correction"]
    await write_off(database, line_id, charged["debt_amount"], 1)
    told = (await door.get(f"/api/bill-lines/{line_id}/explanation", ADMINISTRATOR)).json()
    assert [(one["debt_amount"], one["writeoff_amount"]) for one in told["changes"]] == [
        (f"-{charged['debt_amount']}", charged["debt_amount"])
    ]
    for stranger in (as_customer(OTHER_CUSTOMER), as_partner(OTHER_PARTNER)):
        foreign = await door.get(f"/api/bill-lines/{line_id}/explanation", stranger)
        nowhere = await door.get("/api/bill-lines/nothing/explanation", stranger)
        assert code_of(foreign) == code_of(nowhere) == (404, "CHB.0404")
        total, lines = await listed(door, by=stranger)
        assert (total["lines"], lines) == (0, {})
