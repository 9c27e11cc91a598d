"""Months: when they close, what is looked at before, and who keeps them open."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from billing.closing import close_cycle
from billing.closing.close_due_cycles import Closings, next_closing
from billing.cycles.find_cycle import cycles_taking
from billing.cycles.models import final_at
from billing.lines.models import BillLine
from billing.settings import BillingSettings
from billing.settlement.settlement_prices import load_settlement_prices
from chassis.database import Database
from testkit import audit, outbox
from testkit.door import ADMINISTRATOR, code_of
from tests.billing.builders import (
    NOW,
    BillingDoor,
    as_partner,
    hear,
    order_line,
    order_paid,
    running,
)
from tests.billing.settlement_builders import (
    BEGIN,
    END,
    MONTH,
    add_lines,
    bill_line,
    granted,
    settled,
    uses_vouchers,
)
from tests.billing.test_record_usage import record, usage
from wire.times import cycle_bounds, cycle_of

pytestmark = pytest.mark.postgres
NOON = datetime(2026, 11, 5, 4, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


async def close_due(database: Database, now: datetime) -> None:
    """What the schedule does at one turn."""
    await Closings(load_settlement_prices()).work(database, now)


async def state_of(database: Database, cycle: str = MONTH) -> str | None:
    async with database.transaction() as session:
        state: str | None = await session.scalar(
            text("SELECT state FROM cycles WHERE cycle = :cycle"), {"cycle": cycle}
        )
    return state


async def takes(database: Database, instant: datetime, now: datetime) -> bool:
    async with database.transaction() as session:
        return bool(await cycles_taking(session, [instant], now))


@pytest.mark.parametrize(
    ("cycle", "instant"),
    [
        ("2026-10", "2026-11-05T04:00:00"),
        ("2026-12", "2027-01-05T04:00:00"),
        ("2028-02", "2028-03-05T04:00:00"),
        ("2028-01", "2028-02-05T04:00:00"),
    ],
)
def test_a_month_is_final_on_the_5th_at_noon_in_beijing(cycle: str, instant: str) -> None:
    """Break: count from the end of the month in UTC."""
    assert final_at(cycle) == datetime.fromisoformat(instant).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("cycle", "last"),
    [
        ("2026-10", "2026-10-31T15:59:59"),
        ("2026-12", "2026-12-31T15:59:59"),
        ("2028-02", "2028-02-29T15:59:59"),
    ],
)
async def test_the_last_second_of_a_month_is_in_it_until_noon_of_the_5th(
    database: Database, cycle: str, last: str
) -> None:
    """F.5; for an open, a held and a closed month. Break: let the second end be inclusive."""
    second, noon = datetime.fromisoformat(last).replace(tzinfo=UTC), final_at(cycle)
    assert cycle_bounds(cycle)[1] == second + SECOND
    assert await takes(database, second, noon - SECOND)
    assert not await takes(database, second, noon)
    assert await takes(database, second + SECOND, noon)


async def test_it_closes_by_itself_at_noon_and_not_a_second_before(database: Database) -> None:
    """Break: close it at the end of the day."""
    await add_lines(database, bill_line("10.00"))
    await close_due(database, NOON - SECOND)
    assert await state_of(database) is None
    async with database.transaction() as session:
        assert await next_closing(session) == NOON
    await close_due(database, NOON)
    await close_due(database, NOON + SECOND)
    assert await state_of(database) == "closed"
    [fact] = await outbox.bodies(database, "billing.cycle_closed")
    # The line stands without a posting: the ledger says so, and the month closes all the same.
    assert (fact["bill_cycle"], fact["by_itself"], fact["open_items"]) == (
        MONTH, True, ["ledger_proof"],
    )  # fmt: skip


async def test_a_month_that_is_held_stays_open_until_it_is_let_go(door: BillingDoor) -> None:
    """Break: leave `is_held` out of `_is_due`."""
    database, path = door.database, "/api/cycles/2026-11/holding"
    await add_lines(database, bill_line("10.00", NOW))
    noon = final_at("2026-11")
    refused = await door.post(path, {"on_hold": True, "reason": "x"}, as_partner())
    assert refused.status_code == 403
    held = await door.post(path, {"on_hold": True, "reason": "a meter is late"}, ADMINISTRATOR)
    assert (held.json()["is_on_hold"], held.json()["held_because"]) == (True, "a meter is late")
    await close_due(database, noon)
    assert await state_of(database, "2026-11") == "open"
    assert await takes(database, NOW, noon + SECOND)
    await door.post(path, {"on_hold": False, "reason": "it came"}, ADMINISTRATOR)
    await close_due(database, noon)
    assert await state_of(database, "2026-11") == "closed"
    deeds = [deed for deed in await audit.deeds(database) if deed[0].startswith("cycle.")]
    assert deeds == [("cycle.hold", "2026-11"), ("cycle.release", "2026-11")]


async def test_a_month_that_nobody_used_can_be_opened_and_one_with_a_line_cannot(
    door: BillingDoor,
) -> None:
    """Decision 0180. Breaks: leave the line, or the months that are looked at, out of it."""
    body = {"on_hold": True, "reason": "its bills are brought"}
    old = usage("old", used_until="2026-10-20T00:00:00Z")
    assert (await record(door, old))[0]["bill_cycle"] == "2026-11", "it is late"
    held = await door.post("/api/cycles/2026-09/holding", body, ADMINISTRATOR)
    assert (held.status_code, held.json()["is_on_hold"]) == (200, True), held.text
    older = usage("older", used_until="2026-09-20T00:00:00Z")
    assert (await record(door, older))[0]["bill_cycle"] == "2026-09"
    free = {"on_hold": False, "reason": "all is there"}
    assert (await door.post("/api/cycles/2026-09/holding", free, ADMINISTRATOR)).is_success
    for cycle in ("2026-09", "2026-07"):
        final = await door.post(f"/api/cycles/{cycle}/holding", body, ADMINISTRATOR)
        assert code_of(final) == (409, "CHB.0409"), cycle
    await close_due(door.database, NOW)
    assert await state_of(door.database, "2026-09") == "closed"


async def test_a_month_is_closed_by_hand_once_its_checklist_is_passed_or_waived(
    settings: BillingSettings, database: Database
) -> None:
    """A closing month takes no line more. Break: let `closing` take lines."""
    async with running(settings, NOON - timedelta(days=2)) as door:
        answer = await door.get(f"/api/cycles/{MONTH}", ADMINISTRATOR)
        assert (answer.json()["state"], answer.json()["closes_at"]) == (
            "open", "2026-11-05T04:00:00Z",
        )  # fmt: skip
        attempt = "a1"
        await door.top_up("customer-1", "50.00")
        await door.hold(attempt, "10.00")
        await database_time(database, BEGIN)
        path = f"/api/cycles/{MONTH}/closing"
        refused = await door.post(path, {}, ADMINISTRATOR)
        assert code_of(refused) == (409, "CHB.0409")
        assert "open_holds" in refused.json()["detail"]
        wrong = await door.post(
            path, {"waived": [{"item": "ledger_proof", "reason": "x"}]}, ADMINISTRATOR
        )
        assert code_of(wrong) == (400, "CBC.0100")
        waived = {"waived": [{"item": "open_holds", "reason": "it is a test's"}]}
        closing = await door.post(path, waived, ADMINISTRATOR)
        assert (closing.status_code, closing.json()["state"]) == (202, "closing"), closing.text
        assert not await takes(database, END - SECOND, NOON - SECOND)
        early = await door.post("/api/cycles/2026-11/closing", {}, ADMINISTRATOR)
        assert code_of(early) == (409, "CHB.0409")
        items = (await door.get(f"/api/cycles/{MONTH}/checklist", ADMINISTRATOR)).json()["items"]
        [holds] = [item for item in items if item["item"] == "open_holds"]
        assert (holds["count"], holds["found"], holds["passed"]) == (1, [attempt], True)
        assert holds["waiver"]["reason"] == "it is a test's"
        await close_due(database, NOON - timedelta(days=1))
        assert await state_of(database) == "closed"
        for verb, body in (("closing", {}), ("holding", {"on_hold": True, "reason": "late"})):
            final = await door.post(f"/api/cycles/{MONTH}/{verb}", body, ADMINISTRATOR)
            assert code_of(final) == (409, "CHB.0409")


async def database_time(database: Database, at: datetime) -> None:
    """As if the attempt had been opened then."""
    async with database.transaction() as session:
        await session.execute(text("UPDATE payment_attempts SET opened_at = :at"), {"at": at})


async def test_closing_waits_for_who_found_the_month_open(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Break: leave `wait_for_writers` out of `end_writing`."""
    await add_lines(database, bill_line("10.00"))
    order: list[str] = []

    def note(name: str) -> None:
        order.append(name)

    monkeypatch.setattr(close_cycle, "crash_point", note)
    async with database.transaction() as writing:
        assert await cycles_taking(writing, [END - SECOND], NOON - SECOND)
        closing = asyncio.create_task(close_due(database, NOON))
        waits = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        async with asyncio.timeout(30):
            while not await writing.scalar(waits):
                await asyncio.sleep(0.01)
        order.append("written")
    await closing
    assert order == ["written", "billing.cycle_closed"]


def _usage(hours: tuple[int, int], resource: str = "server-1", **more: Any) -> Any:
    begin, end = (BEGIN + timedelta(hours=hour) for hour in hours)
    return bill_line(
        "1.00", end, bill_type=5, charging_mode=3, resource_id=resource, used_from=begin,
        consume_time=end, usage_type="Duration", usage_record_id=f"{resource}{hours}", **more,
    )  # fmt: skip


async def test_the_checklist_finds_each_thing_that_is_not_as_it_should_be(
    door: BillingDoor, database: Database
) -> None:
    """Every item that has data; breaks: one query of `_QUERIES` at a time."""
    await uses_vouchers(database)
    await granted(database, "V1", "5.00")
    await add_lines(
        database,
        _usage((0, 1)),
        _usage((1, 3)),
        _usage((5, 6)),  # two hours are missing
        _usage((0, 9), "server-2"),
        bill_line("3.00", debt_amount=bill_line("3.00").payment_amount),
    )
    await settled(door)  # V1 pays, and voucher has not said so
    async with database.transaction() as session:
        await session.execute(
            text("""
                INSERT INTO payment_attempts (attempt_id, order_id, customer_id, partner_id,
                    currency, cash_amount, credit_amount, was_resale, state, opened_at, closed_at)
                VALUES ('a1', 'order-9', 'customer-1', 'partner-1', 'CNY', 0, 0, true, 'captured',
                        :at, :at)
            """),
            {"at": BEGIN},
        )
        await session.execute(
            text("""
                INSERT INTO parked_events (consumer, stream, key, partition, position, event_type,
                    headers, body, attempts, state)
                VALUES ('billing', 'order', 'k', 0, 0, 'order.paid', '{}', '', 1, 'waiting')
            """)
        )
    answer = await door.get(f"/api/cycles/{MONTH}/checklist", ADMINISTRATOR)
    told = {item["item"]: (item["count"], item["found"]) for item in answer.json()["items"]}
    assert told.pop("ledger_proof")[0] > 0  # these lines were never posted
    assert told == {
        "meter_gaps": (2, ["server-1 2026-09-30T19:00Z +2 h"]),
        "unrated_records": (0, []),
        "reconciliation_differences": (0, []),
        "open_holds": (0, []),
        "orders_without_lines": (1, ["order-9"]),
        "lines_without_price": (0, []),
        "arrears": (1, ["customer-1 3.00 CNY"]),
        "vouchers_in_doubt": (1, ["V1"]),
        "parked_events": (1, ["order.paid 1"]),
    }


async def test_a_bad_month_is_refused(door: BillingDoor) -> None:
    for bad in ("2026-13", "october", "2026-1"):
        answer = await door.get(f"/api/cycles/{bad}", ADMINISTRATOR)
        assert code_of(answer) == (400, "CBC.0100")
    old = await door.get("/api/cycles/2020-01", ADMINISTRATOR)
    assert old.json()["state"] == "closed"


async def test_what_is_heard_after_its_month_closed_stands_in_the_next_and_points_back(
    database: Database,
) -> None:
    """An order's payment, late by Kafka. Break: leave `come_late` out of `record_paid_order`."""
    await add_lines(database, bill_line("10.00"))
    await hear(database, order_paid("a1", [order_line("l1", "0.00")], occurred_at=BEGIN))
    await close_due(database, NOON)
    await hear(database, order_paid("a2", [order_line("l1", "0.00")], occurred_at=BEGIN))
    async with database.transaction() as session:
        lines = {line.order_id: line for line in await session.scalars(select(BillLine))}
    in_time, late = lines["order-of-a1"], lines["order-of-a2"]
    assert (in_time.bill_cycle, in_time.late_for, in_time.trade_time) == (MONTH, None, BEGIN)
    assert (late.late_for, late.trade_time) == (MONTH, late.known_at)
    assert late.bill_cycle == cycle_of(late.known_at) != MONTH
