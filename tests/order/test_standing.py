"""What arrears and a freeze make of a customer's resources (docs/domain/resources.md H.8)."""

import asyncio
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, update

from chassis.database import Database
from contracts.billing import BillingArrearsCleared, BillingArrearsOpened
from contracts.customer import CustomerFrozen, CustomerUnfrozen
from order.copies import Arrears, Customer
from order.provisioning.complete_orders import complete_orders
from order.resources import settle_standing as settling
from order.resources.end_resources import end_resources, next_end
from order.resources.models import Resource
from order.resources.provider import SimulatedProvider
from order.resources.settle_standing import next_settling, settle_standings
from testkit import outbox
from testkit.clock import StandingClock
from testkit.door import Door
from tests.order.builders import (
    PAY,
    customer_principal,
    hear,
    keep_customer,
    line,
    payment,
    place,
)
from tests.order.resource_builders import HOURLY, opened, resource_of
from tests.order.test_copies import customer as told

pytestmark = pytest.mark.postgres

DAY = timedelta(days=1)
SECONDS_MAX = 5


def owes(customer: str, amount: str, version: int, at: datetime) -> Any:
    """What billing tells: a debt, or the end of it."""
    state = {
        "occurred_at": at, "partner_id": "p1", "version": version, "customer_id": customer,
        "currency": "CNY", "debt_amount": Decimal(amount),
    }  # fmt: skip
    if Decimal(amount):
        return BillingArrearsOpened(**state)
    return BillingArrearsCleared(**state, writeoff_amount=Decimal("1.00"))


async def statuses(database: Database, *resource_ids: str) -> list[int]:
    return [(await resource_of(database, one)).status for one in resource_ids]


async def test_who_owes_is_in_grace_for_fifteen_days_then_frozen_and_free_when_it_has_paid(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """A debt that grows does not begin anew; break: take the instant of the last event."""
    customer = await keep_customer(database)
    [hourly] = await opened(door, database, clock, customer, line(**HOURLY))
    [period] = await opened(door, database, clock, customer)
    known = len(await outbox.types(database))
    await hear(database, owes(customer, "5.00", 2, clock.now))
    assert await statuses(database, hourly, period) == [2, 2]
    await hear(database, owes(customer, "7.00", 3, clock.now + 3 * DAY))
    await settle_standings(database, clock.now + 15 * DAY - timedelta(seconds=1))
    assert await statuses(database, hourly, period) == [2, 2]
    await settle_standings(database, clock.now + 15 * DAY)
    assert await statuses(database, hourly, period) == [3, 2]
    await hear(database, owes(customer, "1.00", 4, clock.now + 16 * DAY))
    assert await statuses(database, hourly) == [3]
    await hear(database, owes(customer, "0.00", 5, clock.now + 17 * DAY))
    assert await statuses(database, hourly, period) == [1, 2]
    assert (await outbox.types(database))[known:] == [
        "resource.changed", "resource.frozen", "resource.unfrozen",
    ]  # fmt: skip
    version = (await resource_of(database, hourly)).version
    await hear(database, owes(customer, "5.00", 2, clock.now))  # an old fact, once more
    await settle_standings(database, clock.now + 60 * DAY)
    assert (await resource_of(database, hourly)).version == version


async def test_what_is_provisioned_for_who_is_frozen_or_owes_money_is_settled_soon(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: leave `settle_soon` out of `_carry_out`."""
    frozen, owing = await keep_customer(database), await keep_customer(database)
    for customer in (frozen, owing):
        order = await place(door, customer, [line(), line(**HOURLY)])
        body = payment(order["order_id"])
        assert (await door.post(PAY, body, customer_principal(customer))).status_code == 204
    of = {"customer_id": frozen, "occurred_at": clock.now}
    await hear(database, told(CustomerFrozen, 2, is_frozen=2, **of))
    await hear(database, owes(owing, "5.00", 2, clock.now))
    clock.forward(seconds=2)
    await complete_orders(database, SimulatedProvider(), clock.now)
    await settle_standings(database, clock.now)
    async with database.transaction() as session:
        found = (await session.scalars(select(Resource))).all()
    assert sorted((one.customer_id == frozen, one.charging_mode, one.status) for one in found) == [
        (False, 1, 2), (False, 3, 2), (True, 1, 4), (True, 3, 3),
    ]  # fmt: skip


async def test_a_freeze_of_the_account_alone_leaves_its_resources_and_one_with_them_does_not(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    [hourly] = await opened(door, database, clock, customer, line(**HOURLY))
    [period] = await opened(door, database, clock, customer)
    of = {"customer_id": customer, "occurred_at": clock.now}
    await hear(database, told(CustomerFrozen, 2, is_frozen=1, **of))
    assert await statuses(database, hourly, period) == [1, 2]
    await hear(database, told(CustomerFrozen, 3, is_frozen=2, **of))
    assert await statuses(database, hourly, period) == [3, 4]
    await hear(database, told(CustomerUnfrozen, 4, is_frozen=0, **of))
    assert await statuses(database, hourly, period) == [1, 2]
    assert sorted((await outbox.types(database))[-4:]) == [
        "resource.frozen", "resource.frozen", "resource.unfrozen", "resource.unfrozen",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("policy", "days", "status"),
    [(0, 0, 2), (0, 1, 5), (0, 15, 5), (0, 16, 4), (3, 1, 5), (4, 1, 4), (2, 1, 4)],
)
async def test_unfrozen_it_is_what_its_time_has_made_of_it(
    door: Door, database: Database, clock: StandingClock, policy: int, days: int, status: int
) -> None:
    """Days behind the end; break: let everything be in use again."""
    customer = await keep_customer(database)
    [period] = await opened(door, database, clock, customer)
    async with database.transaction() as session:
        await session.execute(update(Resource).values(expire_policy=policy))
    end = (await resource_of(database, period)).expire_at
    assert end is not None
    await hear(database, told(CustomerFrozen, 2, is_frozen=2, customer_id=customer))
    at = end + days * DAY
    thawed = told(CustomerUnfrozen, 3, is_frozen=0, customer_id=customer, occurred_at=at)
    await hear(database, thawed)
    assert await statuses(database, period) == [status]


async def test_unfrozen_in_debt_it_is_in_the_grace_of_the_debt(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    [hourly] = await opened(door, database, clock, customer, line(**HOURLY))
    await hear(database, told(CustomerFrozen, 2, is_frozen=2, customer_id=customer))
    await hear(database, owes(customer, "5.00", 2, clock.now))
    assert await statuses(database, hourly) == [3]
    free = told(CustomerUnfrozen, 3, is_frozen=0, customer_id=customer, occurred_at=clock.now)
    await hear(database, free)
    assert await statuses(database, hourly) == [2]


async def test_what_is_closed_stays_closed(
    door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    [hourly] = await opened(door, database, clock, customer, line(**HOURLY))
    [period] = await opened(door, database, clock, customer)
    async with database.transaction() as session:
        for one, status in ((hourly, 6), (period, 3)):
            closed = update(Resource).where(Resource.resource_id == one).values(status=status)
            await session.execute(closed)
    await hear(database, owes(customer, "5.00", 2, clock.now))
    await hear(database, told(CustomerFrozen, 2, is_frozen=2, customer_id=customer))
    assert await statuses(database, hourly, period) == [6, 3]


async def test_more_than_a_portion_is_settled_by_the_schedule_once_whoever_runs_it(
    door: Door, database: Database, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Break: do not note when to look again."""
    monkeypatch.setattr(settling, "PORTION_MAX", 2)
    customer = await keep_customer(database)
    many = await opened(door, database, clock, customer, line(quantity=5, **HOURLY))
    await hear(database, owes(customer, "5.00", 2, clock.now))
    assert sorted(await statuses(database, *many)) == [1, 1, 1, 2, 2]
    for _ in range(2):
        await asyncio.gather(*(settle_standings(database, clock.now) for _ in range(2)))
    assert await statuses(database, *many) == [2] * 5
    assert (await outbox.types(database)).count("resource.changed") == 5


async def test_frozen_at_its_end_it_turns_on_demand_where_that_is_set_and_is_frozen_so(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Nothing is lost by a freeze; break: let only what is in use turn on demand."""
    customer = await keep_customer(database)
    [period] = await opened(door, database, clock, customer)
    async with database.transaction() as session:
        await session.execute(update(Resource).values(expire_policy=1))
    end = (await resource_of(database, period)).expire_at
    assert end is not None
    await hear(database, told(CustomerFrozen, 2, is_frozen=2, customer_id=customer))
    over = end + timedelta(seconds=1)
    async with database.transaction() as session:
        assert await next_end(session) == over
    await end_resources(database, over - timedelta(microseconds=1))
    assert (await resource_of(database, period)).charging_mode == 1
    await end_resources(database, over)
    await settle_standings(database, over)
    assert (await resource_of(database, period)).charging_mode == 3
    assert await statuses(database, period) == [3]
    thawed = {"customer_id": customer, "occurred_at": end + 40 * DAY}
    await hear(database, told(CustomerUnfrozen, 3, is_frozen=0, **thawed))
    assert await statuses(database, period) == [1]


async def test_unfrozen_behind_its_end_it_is_in_use_until_it_is_turned_on_demand(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """An order that names it had it wait; break: let `status_at` put it into grace."""
    customer = await keep_customer(database)
    [period] = await opened(door, database, clock, customer)
    async with database.transaction() as session:
        await session.execute(update(Resource).values(expire_policy=1))
    end = (await resource_of(database, period)).expire_at
    assert end is not None
    await hear(database, told(CustomerFrozen, 2, is_frozen=2, customer_id=customer))
    at = end + DAY
    await hear(
        database,
        told(CustomerUnfrozen, 3, is_frozen=0, customer_id=customer, occurred_at=at),
    )
    assert await statuses(database, period) == [2]
    await end_resources(database, at)
    assert (await resource_of(database, period)).charging_mode == 3


async def test_whoever_ends_resources_waits_for_nobody_who_settles_them(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """One locks the debt and waits for the resource, the other would wait for the debt with it.

    Break: let `settle_soon` change the row of the debt; it is never carried out then, or ends in a
    deadlock.
    """
    customer = await keep_customer(database)
    [resource] = await opened(door, database, clock, customer)
    await hear(database, owes(customer, "5.00", 2, clock.now))
    clock.forward(days=40)
    over = clock.now - DAY
    async with database.transaction() as session:
        at_its_end = update(Resource).where(Resource.resource_id == resource)
        await session.execute(at_its_end.values(expire_policy=1, expire_at=over))
    await settle_standings(database, clock.now)
    async with database.transaction() as settles:  # as `settle_standing` does
        await settles.get(Customer, customer, with_for_update=True)
        await settles.get(Arrears, customer, with_for_update=True)
        async with asyncio.timeout(SECONDS_MAX):
            await end_resources(database, clock.now)
        await settles.get(Resource, resource, with_for_update=True)
    assert await next_settle(database) == clock.now
    assert (await resource_of(database, resource)).charging_mode == 3
    await settle_standings(database, clock.now)
    assert await statuses(database, resource) == [3], "the grace of its debt is over"
    assert await next_settle(database) is None


async def next_settle(database: Database) -> datetime | None:
    async with database.transaction() as session:
        return await next_settling(session)
