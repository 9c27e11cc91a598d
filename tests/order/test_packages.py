"""Packages: opened in place of resources, begun, reset and ended by time, once.

See docs/domain/resources.md H.13.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from chassis.database import Database
from order.packages.models import Package
from order.packages.restate_packages import PACKAGES
from order.packages.turn_packages import turn_packages
from order.resources.models import Resource
from testkit import outbox
from testkit.clock import StandingClock
from testkit.door import Door
from tests.order.packages import ONCE, buy, contents, packages
from tests.order.peer_double import PeerDouble
from tests.restating import differences, restated

pytestmark = pytest.mark.postgres

SECOND = timedelta(seconds=1)


async def take(database: Database, package_id: str, amount: str = "1") -> None:
    """As if billing had taken something in the present cycle."""
    async with database.transaction() as session:
        package = await session.get_one(Package, package_id)
        item = package.items[0]
        item.amount, item.taken_times, package.is_used = item.amount - Decimal(amount), 1, True
        package.plan_turn()


async def test_a_package_product_opens_packages_and_no_resource(
    door: Door, database: Database, peers: PeerDouble, clock: StandingClock
) -> None:
    """Break: leave out the branch for packages in `provision_order`."""
    first, second = await buy(door, database, peers, clock, contents("750", "40"), quantity=2)
    async with database.transaction() as session:
        assert (await session.scalars(select(Resource))).all() == []
    assert first.status == second.status == 1
    assert [item.original_amount for item in first.items] == [750, 40]
    assert [item.amount for item in first.items] == [750, 40]
    assert (first.cash_amount, second.cash_amount) == (Decimal("85.00"), Decimal("85.00"))
    opened = await outbox.bodies(database, "package.opened")
    assert [event["package_id"] for event in opened] == [
        piece["resource_id"]
        for piece in (await outbox.bodies(database, "order.provisioned"))[0]["pieces"]
    ]
    told = next(event for event in opened if event["package_id"] == first.package_id)
    assert (told["status"], told["quota_reuse_mode"], told["version"]) == (1, 1, 1)
    assert told["cycle_end_at"] == "2026-11-30T16:00:00Z"  # 1 December in Beijing
    assert told["expire_at"] == "2026-12-23T15:59:59Z"
    assert [item["amount"] for item in told["items"]] == ["750", "40"]
    assert (await outbox.types(database))[-2:] == ["order.provisioned", "order.completed"]


async def test_a_package_that_begins_later_begins_on_time_and_ends_after_its_last_second(
    door: Door, database: Database, peers: PeerDouble, clock: StandingClock
) -> None:
    [package] = await buy(door, database, peers, clock, contents(begins="next_month"))
    begin, last = (
        datetime(2026, 11, 30, 16, tzinfo=UTC),
        datetime(2027, 1, 1, 15, 59, 59, tzinfo=UTC),
    )
    assert (package.status, package.effective_at, package.expire_at) == (0, begin, last)
    await turn_packages(database, begin - SECOND)
    assert (await packages(database))[0].status == 0
    await turn_packages(database, begin)
    assert (await packages(database))[0].status == 1
    await turn_packages(database, last)
    assert (await packages(database))[0].status == 1
    await turn_packages(database, last + SECOND)
    [package] = await packages(database)
    assert (package.status, package.turn_at) == (3, None)
    stated = [kind for kind in await outbox.types(database) if kind.startswith("package.")]
    assert stated == ["package.opened", "package.reset", "package.ended"]


async def test_a_package_is_reset_when_something_was_taken_and_told_once(
    door: Door, database: Database, peers: PeerDouble, clock: StandingClock
) -> None:
    [package] = await buy(door, database, peers, clock, period_num=3)
    await take(database, package.package_id, "700")
    december = datetime(2026, 11, 30, 16, tzinfo=UTC)
    await turn_packages(database, december - SECOND)
    assert (await packages(database))[0].items[0].amount == 50
    for _ in range(2):
        await turn_packages(database, december)
    await turn_packages(database, december + timedelta(days=40))  # nothing was taken since
    [package] = await packages(database)
    assert (package.items[0].amount, package.status) == (Decimal(750), 1)
    [reset] = await outbox.bodies(database, "package.reset")
    assert reset["cycle_begin_at"] == "2026-11-30T16:00:00Z"
    assert reset["cycle_end_at"] == "2026-12-31T16:00:00Z"
    assert (reset["version"], reset["items"][0]["amount"]) == (2, "750")


async def test_what_is_never_full_again_is_not_reset(
    door: Door, database: Database, peers: PeerDouble, clock: StandingClock
) -> None:
    [package] = await buy(door, database, peers, clock, contents(**ONCE), period_num=2)
    await take(database, package.package_id)
    await turn_packages(database, package.expire_at)
    [package] = await packages(database)
    assert (package.items[0].amount, package.status) == (Decimal(749), 1)
    assert await outbox.bodies(database, "package.reset") == []


async def test_several_replicas_turn_a_package_once(
    door: Door, database: Database, peers: PeerDouble, clock: StandingClock
) -> None:
    """Break: take `skip_locked` and the lock away."""
    bought = await buy(door, database, peers, clock, quantity=5)
    for package in bought:
        await take(database, package.package_id)
    december = datetime(2026, 11, 30, 16, tzinfo=UTC)
    await asyncio.gather(*(turn_packages(database, december) for _ in range(8)))
    assert len(await outbox.bodies(database, "package.reset")) == 5
    over = bought[0].expire_at + SECOND
    await asyncio.gather(*(turn_packages(database, over) for _ in range(8)))
    assert len(await outbox.bodies(database, "package.ended")) == 5


async def test_packages_stated_anew_are_what_was_stated_last(
    door: Door, database: Database, peers: PeerDouble, clock: StandingClock
) -> None:
    bought = await buy(door, database, peers, clock, quantity=3)
    await take(database, bought[0].package_id)
    await turn_packages(database, datetime(2026, 11, 30, 16, tzinfo=UTC))
    before = await outbox.stated(database)
    anew = await restated(database, PACKAGES)
    assert {event.TYPE for event in anew} == {"package.opened"}
    stated = [body for kind, body in before if kind.startswith("package.")]
    assert differences(anew, stated) == {}
    # To the letter: a reader that keeps the text would take 750.0000000000 for a change.
    items = {body["package_id"]: body["items"] for body in stated}
    assert {one.subject: one.model_dump(mode="json")["items"] for one in anew} == items
    assert {item["original_amount"] for item in items[bought[1].package_id]} == {"750"}
    assert await outbox.stated(database) == before
