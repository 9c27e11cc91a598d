"""Savings plans pay for use by the hour, at their own share of the list price (decision 0167)."""

from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal
from typing import Any

import pytest
from sqlalchemy import select

from billing.copies import Package
from billing.lines.models import BillLine
from chassis.database import Database
from contracts.order import PackageEvent, PackageUnsubscribed
from testkit import outbox
from tests.billing.builders import BillingDoor, hear, money, prove
from tests.billing.test_record_usage import lines_of, record, vm
from tests.billing.test_take_from_packages import LARGE, deductions, item, package
from tests.billing.test_usage_files import charged, text_of

pytestmark = pytest.mark.postgres

HOUR_PRICE = Decimal("0.4463958333")  # of LARGE since 2026, of which 0.85 is payable
RATIO = Decimal("0.6")
BY_THE_HOUR: dict[str, Any] = {
    "product_id": "OFFI-SP-ECS-C7",
    "quota_reuse_cycle": 1,
    "quota_reuse_cycle_type": 1,
}


def a_plan(name: str = "sp1", commitment: str = "1.00", **more: Any) -> PackageEvent:
    """So much money an hour."""
    money_an_hour = item(f"{name}-1", commitment, LARGE, measure_id=1)
    return package(name, money_an_hour, **{**BY_THE_HOUR, **more})


def large(record_id: str, hours: str, **more: Any) -> dict[str, Any]:
    return vm(record_id, hours, resource_spec_code=LARGE, **more)


def cut(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), ROUND_DOWN)


def by_record(lines: Sequence[BillLine]) -> dict[str, list[BillLine]]:
    found: dict[str, list[BillLine]] = {}
    for line in sorted(lines, key=lambda one: one.bill_type):
        found.setdefault((line.usage_record_id or "").partition("/")[0], []).append(line)
    return found


@pytest.mark.parametrize("way", ["door", "file"])
async def test_a_plan_pays_up_to_its_commitment_of_the_hour_and_the_rest_is_on_demand(
    door: BillingDoor, database: Database, way: str
) -> None:
    """Break: take the plan's part off the use as if it were bought at the list price."""
    await hear(database, a_plan())
    rows = [large("r1", "3"), large("r2", "2"), large("r3", "1", used_until="2026-11-23T01:59:59Z")]
    if way == "door":
        await record(door, *rows)
    else:
        shown = await charged(door, text_of(rows))
        assert (shown["status"], shown["rows_charged"]) == ("done", 3)
    lines = by_record(await lines_of(database))
    # The first: all of it is the plan's.
    own, plan = lines["r1"]
    listed = cut(3 * HOUR_PRICE, 8)
    assert (own.official_amount, own.payment_amount) == (money("0"), money("0"))
    assert (plan.bill_type, plan.charging_mode, plan.payment_amount) == (23, 11, money("0"))
    assert plan.official_amount == plan.official_discount_amount == listed
    first = cut(listed * RATIO, 8)
    # The second: what is left of the hour, and the rest on demand.
    own, plan = lines["r2"]
    left = money("1.00") - first
    cost = cut(cut(2 * HOUR_PRICE, 8) * RATIO, 8)
    covered = cut(2 * left / cost, 10)
    assert plan.usage_amount == covered
    assert plan.official_amount == cut(covered * HOUR_PRICE, 8)
    assert own.official_amount == cut((2 - covered) * HOUR_PRICE, 8)
    assert own.payment_amount == cut(cut(own.official_amount * Decimal("0.85"), 8), 2)
    # The third is of another hour, in which the commitment is whole again.
    assert [one.bill_type for one in lines["r3"]] == [5, 23]
    assert [(one[0], one[3]) for one in await deductions(database)] == [
        ("r1", first), ("r2", left), ("r3", cut(cut(HOUR_PRICE, 8) * RATIO, 8)),
    ]  # fmt: skip
    assert len(await outbox.bodies(database, "billing.line_recorded")) == 6
    assert (await prove(door))["balanced"]


async def test_packages_give_first_and_a_plan_of_another_product_gives_nothing(
    door: BillingDoor, database: Database
) -> None:
    await hear(
        database,
        package("p1", item("p1-1", "1", LARGE)),
        a_plan("other", product_id="OFFI-PKG"),
        a_plan(),
    )
    await record(door, large("r1", "2"))
    [own, plan] = sorted(await lines_of(database), key=lambda one: one.bill_type)
    assert (own.free_resource_usage, own.payment_amount) == (money("1"), money("0"))
    assert plan.usage_amount == money("1")
    assert plan.reckoned["savings_plan"]["package_id"] == "sp1"


async def test_what_a_plan_paid_that_is_given_back_is_charged_as_it_would_have_been(
    door: BillingDoor, database: Database
) -> None:
    """Decision 0091. Break: charge the plan's money in the list price's place."""
    await hear(database, a_plan())
    await record(door, large("r1", "1"))
    back = a_plan(contract=PackageUnsubscribed, version=2, status=4)
    await hear(database, back)
    [late] = [one for one in await lines_of(database) if one.corrects is not None]
    assert abs(late.official_amount - cut(HOUR_PRICE, 8)) <= money("0.00000002")
    assert late.payment_amount == cut(HOUR_PRICE * Decimal("0.85"), 2)
    async with database.transaction() as session:
        kept = await session.scalar(select(Package.product_id))
        assert kept == "OFFI-SP-ECS-C7"
