"""A customer that gets another partner while its order is carried out: the resource is theirs."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select, text

from chassis import outbox
from chassis.database import Database
from contracts.customer import CustomerUpdated
from order.copies import Customer
from order.provisioning import complete_orders as provisioning
from order.provisioning.complete_orders import complete_orders
from order.resources.ends import EXPIRED
from order.resources.facts import resource_expired
from order.resources.models import Resource, ResourcePeriod, StandingToSettle
from order.resources.open_resources import open_resources
from order.resources.provider import SimulatedProvider
from order.resources.settle_standing import settle_standings
from testkit import outbox as stated
from testkit.clock import StandingClock
from testkit.door import Door
from tests.order.builders import PAY, customer_principal, hear, keep_customer, payment, place
from tests.order.test_copies import customer as told

pytestmark = pytest.mark.postgres

WAITS = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


async def paid_for(door: Door, database: Database, clock: StandingClock) -> str:
    """The customer of an order that is to be carried out now."""
    customer = await keep_customer(database)
    order = await place(door, customer)
    paid = await door.post(PAY, payment(order["order_id"]), customer_principal(customer))
    assert paid.status_code == 204, paid.text
    clock.forward(seconds=2)
    return customer


async def partners_of(database: Database, customer: str) -> set[str]:
    """Whose its resource is, and the period that was paid for."""
    async with database.transaction() as session:
        found = [
            await session.scalars(select(table.partner_id).where(table.customer_id == customer))
            for table in (Resource, ResourcePeriod)
        ]
        return {one for rows in found for one in rows}


async def somebody_waits(database: Database) -> bool:
    """By a transaction of its own: within one, the answer stays what it was."""
    async with database.transaction() as session:
        return bool(await session.scalar(WAITS))


async def test_who_moves_waits_for_what_is_being_opened(
    door: Door, database: Database, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Break: look at the customer without a lock in `follow_soon`."""
    customer = await paid_for(door, database, clock)
    moves: list[asyncio.Task[None]] = []

    async def open_while_it_moves(*told_so: Any) -> None:
        await open_resources(*told_so)
        moved = told(CustomerUpdated, 2, customer_id=customer, partner_id="p2")
        moves.append(asyncio.create_task(hear(database, moved)))
        async with asyncio.timeout(60):
            while not moves[0].done() and not await somebody_waits(database):
                await asyncio.sleep(0.01)

    monkeypatch.setattr(provisioning, "open_resources", open_while_it_moves)
    await complete_orders(database, SimulatedProvider(), clock.now)
    await moves[0]
    assert await partners_of(database, customer) == {"p2"}


async def test_what_is_opened_while_somebody_moves_it_waits_for_nobody_and_follows(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: leave no wish where the customer is held."""
    customer = await paid_for(door, database, clock)
    async with database.transaction() as session:
        moving = await session.get_one(Customer, customer, with_for_update=True)
        moving.partner_id = "p2"
        await session.flush()
        async with asyncio.timeout(60):
            await complete_orders(database, SimulatedProvider(), clock.now)
    assert await partners_of(database, customer) == {"p1"}
    await settle_standings(database, clock.now)
    assert await partners_of(database, customer) == {"p2"}
    async with database.transaction() as session:
        assert await session.scalar(select(func.count(StandingToSettle.id))) == 0


async def test_who_moves_waits_for_a_step_of_a_resource_and_states_what_it_is_then(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: read the resources in `follow_customer` without a lock."""
    customer = await paid_for(door, database, clock)
    await complete_orders(database, SimulatedProvider(), clock.now)
    moved = told(CustomerUpdated, 2, customer_id=customer, partner_id="p2")
    async with database.transaction() as session:
        own = select(Resource).where(Resource.customer_id == customer)
        [resource] = await session.scalars(own.with_for_update(of=Resource))
        moving = asyncio.create_task(hear(database, moved))
        async with asyncio.timeout(60):
            while not moving.done() and not await somebody_waits(database):
                await asyncio.sleep(0.01)
        resource.move_on(EXPIRED, clock.now)
        outbox.publish(session, resource_expired(resource, clock.now))
    await moving
    kinds = ("resource.opened", "resource.expired", "resource.changed")
    bodies = [one for kind in kinds for one in await stated.bodies(database, kind)]
    assert [(one["partner_id"], one["status"]) for one in bodies] == [
        ("p1", 2), ("p1", EXPIRED), ("p2", EXPIRED),
    ]  # fmt: skip
