"""Unsubscriptions at once of one customer, whose ten within five days are counted.

See docs/domain/resources.md H.9.
"""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select, text

from chassis.database import Database
from order.refunds import unsubscribe_resources as unsubscribing
from order.refunds.models import Refund
from order.refunds.plan_refund import RefundPlan, plan_refund
from testkit.clock import StandingClock
from testkit.door import Door
from tests.order.builders import keep_customer, line
from tests.order.test_unsubscribe_resources import bought, unsubscribe

pytestmark = pytest.mark.postgres

WAITS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND wait_event_type = 'Lock' AND wait_event = 'advisory'"
)


async def test_the_tenth_and_the_eleventh_at_once_are_one_tenth(
    door: Door, database: Database, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first has counted, and the second waits. Break: leave out `_hold_customer`'s lock."""
    customer = await keep_customer(database)
    _, nine = await bought(door, database, clock, customer, line(quantity=9))
    await unsubscribe(door, customer, *nine)
    _, two = await bought(door, database, clock, customer, line(quantity=2))
    counted_by: list[Any] = []
    both = asyncio.Event()

    async def held(*asked: Any) -> RefundPlan:
        plan = await plan_refund(*asked)
        counted_by.append(plan)
        if len(counted_by) == 2:
            both.set()
        await both.wait()
        return plan

    monkeypatch.setattr(unsubscribing, "plan_refund", held)
    under_way = asyncio.gather(*(unsubscribe(door, customer, one) for one in two))
    while not both.is_set():
        async with database.transaction() as session:
            if await session.scalar(WAITS):
                both.set()
        await asyncio.sleep(0.01)
    answers = await under_way
    assert [answer.status_code for answer in answers] == [200, 200]
    async with database.transaction() as session:
        counted = (await session.scalars(select(Refund.refund_id).where(Refund.counts))).all()
    assert len(counted) == 10
