"""Usage is taken from packages before it is charged (docs/domain/resources.md H.13)."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from billing.copies import Package
from billing.lines.models import BillLine
from billing.usage.models import PackageCycle, PackageDeduction
from billing.usage.restate_deductions import DEDUCTIONS
from chassis.database import Database
from contracts.order import (
    PackageEvent,
    PackageItem,
    PackageOpened,
    PackageReset,
    PackageUnsubscribed,
)
from testkit import outbox
from testkit.door import ADMINISTRATOR
from tests.billing.builders import (
    CUSTOMER,
    NOW,
    OTHER_CUSTOMER,
    PARTNER,
    BillingDoor,
    hear,
    money,
    prove,
)
from tests.billing.test_record_usage import PATH, record, usage, vm
from tests.restating import differences, restated

HOUR, GB = 4, 17
SMALL, LARGE = "s6.small.1.linux", "c7.large.2.linux"
NOVEMBER = datetime(2026, 10, 31, 16, tzinfo=UTC)
DECEMBER = datetime(2026, 11, 30, 16, tzinfo=UTC)


def item(item_id: str, amount: str, *specs: str, **more: Any) -> PackageItem:
    """Hours of a small server, unless told otherwise."""
    values = {
        "free_resource_id": item_id,
        "usage_type_code": "Duration",
        "usage_type_name": "use",
        "resource_type_code": "hws.resource.type.vm",
        "resource_spec_codes": list(specs or (SMALL,)),
        "measure_id": HOUR,
        "original_amount": Decimal(amount),
        "amount": Decimal(amount),
        **more,
    }
    return PackageItem(**values)


def package(
    package_id: str,
    *items: PackageItem,
    contract: type[PackageEvent] = PackageOpened,
    **more: Any,
) -> PackageEvent:
    """Full again on each 1st, from October to the end of December."""
    values = {
        "occurred_at": NOW,
        "partner_id": PARTNER,
        "version": 1,
        "package_id": package_id,
        "customer_id": CUSTOMER,
        "order_id": "CS1",
        "product_id": "OFFI-PKG",
        "product_name": "package",
        "service_type_code": "hws.service.type.ec2",
        "service_type_name": "ECS",
        "region_code": "cn-north-4",
        "quota_reuse_mode": 1,
        "quota_reuse_cycle": 4,
        "quota_reuse_cycle_type": 1,
        "status": 1,
        "effective_at": datetime(2026, 10, 1, tzinfo=UTC),
        "expire_at": datetime(2026, 12, 31, 15, 59, 59, tzinfo=UTC),
        "cycle_begin_at": datetime(2026, 10, 1, tzinfo=UTC),
        "cycle_end_at": NOVEMBER,
        "items": items or (item(f"{package_id}-1", "10"),),
        **more,
    }
    return contract(**values)


ONCE: dict[str, Any] = {
    "quota_reuse_mode": 2,
    "quota_reuse_cycle": None,
    "quota_reuse_cycle_type": None,
}


async def deductions(database: Database) -> list[tuple[str, str, Decimal, Decimal, Decimal]]:
    """(record, item, before, taken, after), the oldest first."""
    async with database.transaction() as session:
        table = PackageDeduction
        found = await session.scalars(select(table).order_by(table.deduction_id))
        return [
            (one.record_id, one.item_id, one.available_amount, one.used_amount,
             one.remaining_amount)
            for one in found
        ]  # fmt: skip


async def left(database: Database) -> dict[tuple[str, datetime], Decimal]:
    async with database.transaction() as session:
        found = await session.scalars(select(PackageCycle))
        return {(one.item_id, one.begin_at): one.left_amount for one in found}


async def test_what_a_package_holds_is_not_charged_and_the_rest_is(
    door: BillingDoor, database: Database
) -> None:
    """14 hours at 0.07, of which 10 are taken: 4 × 0.07 = 0.28."""
    await hear(database, package("p1"))
    await door.top_up(CUSTOMER, "1.00")
    first, second = await record(door, vm("r1", "4"), vm("r2", "10"))
    assert (first["payment_amount"], first["free_resource_usage"]) == ("0.00", "4.0000000000")
    assert (first["official_amount"], first["free_resource_measure_id"]) == ("0.00", HOUR)
    assert (second["payment_amount"], second["cash_amount"]) == ("0.28", "0.28")
    assert await deductions(database) == [
        ("r1", "p1-1", money("10"), money("4"), money("6")),
        ("r2", "p1-1", money("6"), money("6"), money("0")),
    ]
    told, _ = await outbox.bodies(database, "billing.package_deducted")
    assert told["customer_id"] == CUSTOMER
    assert (told["available_amount"], told["used_amount"]) == ("10", "4")
    assert (told["remaining_amount"], told["number"]) == ("6", 1)
    assert (told["used_from"], told["used_until"]) == (
        "2026-11-22T22:00:00Z", "2026-11-23T02:00:00Z",
    )  # fmt: skip
    assert told["cycle_begin_at"] == "2026-10-31T16:00:00Z"
    assert (await prove(door))["balanced"]


async def test_a_record_is_taken_once_however_often_it_is_sent(
    door: BillingDoor, database: Database
) -> None:
    """Break: ask `_known_lines` for nothing."""
    await hear(database, package("p1"))
    first = await record(door, vm("r1", "4"))
    again = await record(door, vm("r1", "4"), vm("r2", "1"))
    assert again[0] == first[0]
    assert [one[0] for one in await deductions(database)] == ["r1", "r2"]
    assert (await left(database)) == {("p1-1", NOVEMBER): money("5")}


async def test_the_package_that_ends_first_gives_first(
    door: BillingDoor, database: Database
) -> None:
    """Break: order the packages by their ids."""
    early = datetime(2026, 12, 1, 15, 59, 59, tzinfo=UTC)
    older: dict[str, Any] = {"effective_at": datetime(2026, 9, 1, tzinfo=UTC)}
    await hear(
        database,
        package("a", **ONCE),
        package("b", **ONCE, **older),
        package("c", **ONCE, expire_at=early),
    )
    (line,) = await record(door, vm("r1", "25"))
    assert line["payment_amount"] == "0.00"
    assert [(one[1], one[3]) for one in await deductions(database)] == [
        ("c-1", money("10")), ("b-1", money("10")), ("a-1", money("5")),
    ]  # fmt: skip


async def test_a_cycle_is_a_row_and_is_given_once_whatever_comes_late(
    door: BillingDoor, database: Database
) -> None:
    """Late use is taken from its own cycle; no event fills one again.

    Break: delete the package's cycles when `package.reset` is heard.
    """
    await hear(database, package("p1"))
    await record(door, vm("r1", "8"))
    await hear(database, package("p1", contract=PackageReset, version=2))
    october = "2026-10-31T15:59:59Z"
    late, more = await record(door, vm("r2", "12", used_until=october), vm("r3", "3"))
    assert late["payment_amount"] == "0.14"  # 2 hours
    assert more["payment_amount"] == "0.07"  # 1 hour: 2 of 10 were left
    october_begin = datetime(2026, 10, 1, tzinfo=UTC)
    assert await left(database) == {
        ("p1-1", NOVEMBER): money("0"), ("p1-1", october_begin): money("0"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("used_until", "taken"),
    [
        ("2026-10-01T00:00:00Z", True),
        ("2026-09-30T23:59:59Z", False),
        ("2026-11-10T15:59:59Z", True),
        ("2026-11-10T16:00:00Z", False),
    ],
)
async def test_a_package_holds_from_its_begin_to_its_last_second(
    door: BillingDoor, database: Database, used_until: str, taken: bool
) -> None:
    await hear(database, package("p1", expire_at=datetime(2026, 11, 10, 15, 59, 59, tzinfo=UTC)))
    await record(door, vm("r1", "1", used_until=used_until))
    assert bool(await deductions(database)) is taken


async def test_what_is_not_the_packages_is_charged(door: BillingDoor, database: Database) -> None:
    await hear(database, package("p1"), package("gone", version=2, status=4))
    others = [
        vm("other customer", "1", customer_id=OTHER_CUSTOMER),
        vm("other region", "1", region_code="cn-east-3"),
        vm("other server", "1", resource_spec_code=LARGE),
        usage("disk"),
    ]
    for line in await record(door, *others):
        assert line["free_resource_usage"] is None, line
    assert await deductions(database) == []


async def test_seconds_are_taken_from_hours_without_losing_any(
    door: BillingDoor, database: Database
) -> None:
    """One hour is left and 4,000 s are used: 400 s × 0.07 / 3600 = 0.00777777."""
    await hear(database, package("p1", item("p1-1", "1")))
    await record(door, vm("r1", "4000", usage_measure_id=6), vm("r2", "1"))
    async with database.transaction() as session:
        lines = (await session.scalars(select(BillLine).order_by(BillLine.line_id))).all()
    assert [line.official_amount for line in lines] == [money("0.00777777"), money("0.07")]
    assert lines[0].free_resource_usage == money("1")


async def test_a_package_of_capacity_holds_so_much_of_each_hour(
    door: BillingDoor, database: Database
) -> None:
    """40 GB each hour: of 55 GB for an hour 15 are charged, 15 × 0.0001375 = 0.0020625."""
    storage = {
        "service_type_code": "hws.service.type.obs",
        "resource_type_code": "hws.resource.type.obs",
        "resource_spec_code": "standard",
        "usage_value": "1",
        "usage_measure_id": HOUR,
        "measure_size": "55",
    }
    of_storage = item(
        "s", "40", "standard", resource_type_code="hws.resource.type.obs", measure_id=GB
    )
    await hear(database, package("p1", of_storage, quota_reuse_cycle=1))
    await record(
        door,
        usage("r1", **storage, used_until="2026-11-23T01:59:59Z"),
        usage("r2", **storage, used_until="2026-11-23T02:00:00Z"),
    )
    async with database.transaction() as session:
        lines = (await session.scalars(select(BillLine))).all()
    assert [line.official_amount for line in lines] == [money("0.00206250")] * 2
    assert [one[3] for one in await deductions(database)] == [money("40")] * 2


async def test_sixteen_who_report_at_once_take_nothing_twice(
    door: BillingDoor, database: Database
) -> None:
    """64 records of 1 hour, each sent by two of sixteen, and 50 hours: 14 are charged.

    Break: read the packages before `lock_accounts`.
    """
    await hear(database, package("p1", item("p1-1", "30")), package("p2", item("p2-1", "20")))
    await door.top_up(CUSTOMER, "10.00")

    async def report(client: int) -> None:
        for step in range(8):
            number = (client * 8 + step) % 64
            body = {"records": [vm(f"r{number}", "1")]}
            answer = await door.post(PATH, body, ADMINISTRATOR)
            assert answer.status_code == 201, answer.text

    await asyncio.gather(*(report(client) for client in range(16)))
    assert await left(database) == {("p1-1", NOVEMBER): money("0"), ("p2-1", NOVEMBER): money("0")}
    taken = await deductions(database)
    assert len({one[0] for one in taken}) == len(taken) == 50
    assert all(before - used == after for _, _, before, used, after in taken)
    async with database.transaction() as session:
        charged = await session.scalar(select(func.sum(BillLine.payment_amount)))
        assert await session.scalar(select(func.count()).select_from(BillLine)) == 64
    assert charged == money("0.98")  # 14 × 0.07
    assert (await prove(door))["balanced"]


async def test_what_was_taken_from_a_package_that_was_given_back_is_charged(
    door: BillingDoor, database: Database
) -> None:
    """Decision 0091: once, at the price of the use. Break: only copy the package."""
    await hear(database, package("p1"), package("p2", **ONCE))
    await door.top_up(CUSTOMER, "0.30")
    await record(door, vm("r1", "4"), vm("r2", "5000", usage_measure_id=6), vm("r3", "10"))
    returned = package("p1", contract=PackageUnsubscribed, version=2, status=4)
    await hear(database, returned)
    await hear(database, returned.model_copy(update={"event_id": uuid4()}))
    async with database.transaction() as session:
        found = await session.scalars(select(BillLine).order_by(BillLine.line_id))
        charged = [line for line in found if "/" in (line.usage_record_id or "")]
    # 4 hours, 5,000 s, and 4.6111111112 hours; the rest of r3 came from p2.
    assert [line.official_amount for line in charged] == [
        money("0.28"), money("0.09722222"), money("0.32277777"),
    ]  # fmt: skip
    assert [line.payment_amount for line in charged] == [
        money("0.28"),
        money("0.09"),
        money("0.32"),
    ]
    assert sum(line.cash_amount for line in charged) == money("0.30")
    assert sum(line.debt_amount for line in charged) == money("0.39")
    [told] = await outbox.bodies(database, "billing.arrears_opened")
    assert told["debt_amount"] == "0.39"
    (line,) = await record(door, vm("r4", "1"))
    assert (line["payment_amount"], (await deductions(database))[-1][1]) == ("0.00", "p2-1")
    assert (await prove(door))["balanced"]


async def test_deductions_stated_anew_are_what_was_stated(
    door: BillingDoor, database: Database
) -> None:
    await hear(database, package("p1"))
    await record(door, *(vm(f"r{number}", "1") for number in range(3)))
    before = await outbox.bodies(database, "billing.package_deducted")
    anew = await restated(database, DEDUCTIONS)
    assert differences(anew, before) == {}


async def test_an_older_fact_of_a_package_changes_nothing(database: Database) -> None:
    await hear(database, package("p1", version=2, status=4), package("p1", version=1))
    async with database.transaction() as session:
        assert (await session.get_one(Package, "p1")).status == 4
