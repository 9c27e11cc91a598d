"""What time makes of resources, and the notices before (docs/domain/resources.md H.8)."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from chassis.database import Database
from order.resources.end_resources import end_resources
from order.resources.ends import first_try, next_try, notice_due, status_at
from order.resources.models import Resource
from order.resources.tell_expiring import tell_expiring
from testkit import outbox
from testkit.clock import StandingClock
from testkit.door import Door
from tests.order.builders import PAY, customer_principal, keep_customer, line, payment
from tests.order.renewal_builders import bought, carry_out, renew, renewed, resource_of

pytestmark = pytest.mark.postgres

END = datetime(2026, 12, 23, 15, 59, 59, tzinfo=UTC)  # of a month that began on 23 November
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("policy", "steps"),
    [
        (0, [("resource.expired", 5, 0), ("resource.frozen", 4, 15), ("resource.closed", 3, 30)]),
        (3, [("resource.expired", 5, 0), ("resource.frozen", 4, 15), ("resource.closed", 3, 30)]),
        (2, [("resource.closed", 3, 0)]),
        (4, [("resource.frozen", 4, 0), ("resource.closed", 3, 15)]),
        (5, [("resource.frozen", 4, 0), ("resource.closed", 3, 15)]),
    ],
)
async def test_a_resource_goes_its_way_by_its_policy_to_the_second(
    door: Door, database: Database, clock: StandingClock, policy: int,
    steps: list[tuple[str, int, int]],
) -> None:  # fmt: skip
    """Break: compare with the end itself, a second early."""
    customer = await keep_customer(database)
    [resource] = await bought(door, database, clock, customer)
    async with database.transaction() as session:
        await session.execute(update(Resource).values(expire_policy=policy))
    before = 2
    for number, (event, status, days) in enumerate(steps):
        over = END + SECOND + days * DAY
        await end_resources(database, over - timedelta(microseconds=1))
        assert (await resource_of(database, resource)).status == before
        assert status_at(END, policy, over - timedelta(microseconds=1)) == before
        await end_resources(database, over)
        found = await resource_of(database, resource)
        assert (found.status, found.version) == (status, number + 2)
        assert status_at(END, policy, over) == status
        assert (await outbox.types(database))[-1] == event
        before = status
    await end_resources(database, END + 400 * DAY)
    assert (await resource_of(database, resource)).version == len(steps) + 1


async def test_what_is_long_over_takes_each_step_and_states_it(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Two replicas at once state each step once. Break: take the rows without locks."""
    customer = await keep_customer(database)
    for _ in range(3):
        await bought(door, database, clock, customer)
    before = len(await outbox.types(database))
    await asyncio.gather(*(end_resources(database, END + 400 * DAY) for _ in range(3)))
    await end_resources(database, END + 400 * DAY)
    told = (await outbox.types(database))[before:]
    for event in ("resource.expired", "resource.frozen", "resource.closed"):
        assert told.count(event) == 3


async def test_what_an_order_names_is_not_closed_and_is_in_use_again_when_that_is_paid(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """When the order ends unpaid, it is closed. Break: leave out `is_under_way`."""
    customer = await keep_customer(database)
    [kept] = await bought(door, database, clock, customer)
    [lost] = await bought(door, database, clock, customer)
    clock.now = END + 30 * DAY
    await end_resources(database, clock.now)
    itself = customer_principal(customer)
    orders = {}
    for resource in (kept, lost):
        [orders[resource]] = (await renew(door, customer, resource)).json()["order_ids"]
    clock.forward(days=1, seconds=1)
    await end_resources(database, clock.now)
    assert (await resource_of(database, kept)).status == 4
    paid = await door.post(PAY, payment(orders[kept]), itself)
    assert paid.status_code == 204, paid.text
    await door.put("/v2/orders/customer-orders/cancel", {"order_id": orders[lost]}, itself)
    await carry_out(database, clock)
    await end_resources(database, clock.now)
    assert (await resource_of(database, kept)).status == 5, "a month later it is over, too"
    assert (await resource_of(database, lost)).status == 3


async def test_the_end_is_told_30_15_7_3_and_1_days_before_once_each(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """And anew before another end. Break: tell of every number of days that has come."""
    customer = await keep_customer(database)
    [resource] = await bought(door, database, clock, customer)
    for days in (30, 15, 7, 3, 1):
        await tell_expiring(database, END - days * DAY - SECOND)
        told = await outbox.bodies(database, "resource.expiring")
        assert days not in [one["days_before"] for one in told]
        for _ in range(2):
            await asyncio.gather(*(tell_expiring(database, END - days * DAY) for _ in range(2)))
        told = await outbox.bodies(database, "resource.expiring")
        assert [one["days_before"] for one in told][-1] == days
    assert len(told) == 5
    await tell_expiring(database, END)
    await renewed(door, database, clock, customer, resource)
    await tell_expiring(database, END + 31 * DAY - 10 * DAY)
    told = await outbox.bodies(database, "resource.expiring")
    assert [one["days_before"] for one in told][5:] == [15], "the nearest alone, after a pause"


async def test_what_is_over_or_bought_for_all_time_is_not_told_of(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    await bought(door, database, clock, customer)
    await bought(door, database, clock, customer, line(period_type=5))
    await tell_expiring(database, END + SECOND)
    await end_resources(database, END + SECOND)
    await tell_expiring(database, END + SECOND)
    assert await outbox.bodies(database, "resource.expiring") == []


def test_tries_are_at_three_in_beijing_counted_from_the_day_of_the_end() -> None:
    now = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
    assert first_try(END, 7, now) == datetime(2026, 12, 15, 19, 0, tzinfo=UTC)
    assert first_try(END, 2, now) == datetime(2026, 12, 20, 19, 0, tzinfo=UTC)
    at_three = datetime(2026, 12, 15, 19, 0, tzinfo=UTC)
    assert first_try(END, 7, at_three) == at_three + DAY, "the hour itself is past"
    assert next_try(at_three - SECOND) == at_three
    assert next_try(at_three) == at_three + DAY
    new_year = datetime(2026, 12, 31, 18, 59, 59, tzinfo=UTC)
    assert next_try(new_year) == datetime(2026, 12, 31, 19, 0, tzinfo=UTC)


def test_the_nearest_notice_is_told_and_the_next_one_noted() -> None:
    assert notice_due(END, END - 31 * DAY) == (None, END - 30 * DAY)
    assert notice_due(END, END - 30 * DAY) == (30, END - 15 * DAY)
    assert notice_due(END, END - 5 * DAY) == (7, END - 3 * DAY)
    assert notice_due(END, END - SECOND) == (1, None)
