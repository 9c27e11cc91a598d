"""Truncation of usage that makes whole cents is charged when its month closes (decision 0166)."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from billing.closing import top_up_truncation as topping_up
from billing.closing.close_due_cycles import Closings
from billing.lines.models import BillLine
from billing.settings import BillingSettings
from billing.settlement.settlement_prices import load_settlement_prices
from chassis.database import Database
from testkit import outbox
from tests.billing.builders import (
    CUSTOMER,
    OTHER_CUSTOMER,
    BillingDoor,
    as_customer,
    balance_of,
    customer,
    hear,
    money,
    prove,
    running,
)
from tests.billing.test_record_usage import record, usage, vm

pytestmark = pytest.mark.postgres
MONTH = "2026-10"
IN_MONTH = datetime(2026, 10, 20, 4, 0, tzinfo=UTC)
NOON = datetime(2026, 11, 5, 4, 0, tzinfo=UTC)
ABROAD = "customer-abroad"


def cut_use(record_id: str, **more: Any) -> dict[str, Any]:
    """0.04 to pay, and 0.00599822 cut off (docs/domain/worked-examples.md F.1)."""
    return usage(record_id, used_until="2026-10-20T02:00:00Z", **more)


async def close(database: Database) -> None:
    await Closings(load_settlement_prices()).work(database, NOON)


async def top_ups(database: Database) -> Sequence[BillLine]:
    async with database.transaction() as session:
        found = await session.scalars(
            select(BillLine).where(BillLine.bill_type == 25).order_by(BillLine.customer_id)
        )
        return found.all()


async def test_whole_cents_are_charged_once_and_the_months_sums_stay_true(
    settings: BillingSettings, database: Database
) -> None:
    """Break: leave the truncation of the line at 0."""
    async with running(settings, IN_MONTH) as door:
        await door.top_up(CUSTOMER, "1.00")
        of_disks = [cut_use(f"r{number}") for number in range(4)]
        elsewhere = cut_use("r5", region_code="cn-south-1")
        await record(door, *of_disks, elsewhere, vm("r6", "1", used_until="2026-10-20T02:00:00Z"))
        await record(door, *(cut_use(f"o{one}", customer_id=OTHER_CUSTOMER) for one in range(1)))
    await close(database)
    await close(database)
    [line] = await top_ups(database)  # 0.02399288 of the disks; one disk elsewhere makes no cent
    assert (line.customer_id, line.region_code) == (CUSTOMER, "cn-north-4")
    assert (line.official_amount, line.official_discount_amount) == (money("0"), money("0"))
    assert (line.erase_amount, line.payment_amount) == (money("-0.02"), money("0.02"))
    assert (line.bill_cycle, line.trade_time) == (
        MONTH, datetime(2026, 10, 31, 15, 59, 59, tzinfo=UTC),
    )  # fmt: skip
    assert (line.cash_amount, line.debt_amount) == (money("0.02"), money("0"))
    assert line.reckoned == {"cut_off": "0.02399288", "lines": 4}
    assert (await balance_of(database, CUSTOMER)).balance == money("0.71")
    async with running(settings, NOON) as door:
        assert (await prove(door))["balanced"]
        path = f"/v2/bills/customer-bills/monthly-sum?bill_cycle={MONTH}"
        rows = (await door.get(path, as_customer())).json()["bill_sums"]
        assert rows
        assert all(_adds_up(one) for one in rows)
        await _is_told(door, line)


def _adds_up(row: dict[str, Any]) -> bool:
    """Official = discount + truncation + payable."""
    parts = ("official_discount_amount", "truncated_amount", "consume_amount")
    return bool(abs(row["official_amount"] - sum(row[name] for name in parts)) < 1e-9)


async def _is_told(door: BillingDoor, line: BillLine) -> None:
    told = (await door.get(f"/api/bill-lines/{line.line_id}/explanation", as_customer())).json()
    assert (told["source"], told["rule"]) == ("charge", "truncation_top_up")
    moved = await outbox.bodies(door.database, "billing.funds_moved")
    assert moved[-1]["reason"] == "SOURCE_OPERAIION_PRECISIONCOMP"


async def test_the_international_site_has_no_top_up(
    settings: BillingSettings, database: Database
) -> None:
    """docs/domain/bills.md: bill type 25 is of the China site. Break: top up every site."""
    await hear(database, customer(customer_id=ABROAD, site="international", currency="USD"))
    async with running(settings, IN_MONTH) as door:
        await record(door, *(cut_use(f"r{one}", customer_id=ABROAD) for one in range(4)))
    await close(database)
    assert await top_ups(database) == []


async def test_a_kill_between_portions_tops_up_each_customer_once(
    settings: BillingSettings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was charged is off the truncation. Break: sum up usage lines alone."""
    async with running(settings, IN_MONTH) as door:
        for owner in (CUSTOMER, OTHER_CUSTOMER):
            await record(door, *(cut_use(f"{owner}-{one}", customer_id=owner) for one in range(2)))
    monkeypatch.setattr(topping_up, "CUSTOMERS_AT_ONCE", 1)
    passes: list[str] = []

    def kill(name: str) -> None:
        passes.append(name)
        if len(passes) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(topping_up, "crash_point", kill)
    with pytest.raises(KeyboardInterrupt):
        await close(database)
    assert [one.customer_id for one in await top_ups(database)] == [CUSTOMER]
    late = IN_MONTH + timedelta(days=18)
    async with running(settings, late) as door:  # closing: it takes no line any more
        [line] = await record(door, cut_use("late"))
        assert line["bill_cycle"] == "2026-11"
    await close(database)
    assert [one.customer_id for one in await top_ups(database)] == [CUSTOMER, OTHER_CUSTOMER]
