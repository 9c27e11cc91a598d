"""Who gives a resource back while somebody renews it, or somebody else gives it back."""

import asyncio

import pytest
from sqlalchemy import select

from chassis.database import Database
from order.orders.models import PENDING, Order, OrderLine
from order.refunds.models import Refund
from order.resources.models import Resource
from testkit.clock import StandingClock
from testkit.door import Door
from tests.order.builders import keep_customer, line
from tests.order.renewal_builders import bought, renew
from tests.order.test_unsubscribe_resources import unsubscribe

pytestmark = pytest.mark.postgres

PAIRS = 6


async def test_a_resource_is_renewed_or_given_back_and_never_both(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: look in `plan_refund` for orders under way before the resources are locked."""
    customer = await keep_customer(database)
    resources = await bought(door, database, clock, customer, line(quantity=PAIRS))
    asked = []
    for number, resource in enumerate(resources):
        pair = [renew(door, customer, resource), unsubscribe(door, customer, resource)]
        asked += pair if number % 2 else pair[::-1]
    answers = await asyncio.gather(*asked)
    for number, resource in enumerate(resources):
        both = answers[2 * number : 2 * number + 2]
        renewing, giving = both if number % 2 else both[::-1]
        told = sorted(
            one.json().get("error_code", f"{name} done")
            for name, one in (("renewal", renewing), ("refund", giving))
        )
        assert told in (
            ["CBC.99003016", "refund done"],
            ["CBC.99003100", "renewal done"],
        ), told
        async with database.transaction() as session:
            status = await session.scalar(
                select(Resource.status).where(Resource.resource_id == resource)
            )
            pending = await session.scalars(
                select(OrderLine.line_id)
                .join(Order, Order.order_id == OrderLine.order_id)
                .where(OrderLine.resource_id == resource, Order.status == PENDING)
            )
            given = await session.scalars(
                select(Refund.refund_id).where(Refund.resource_id == resource)
            )
            there = (status, len(pending.all()), len(given.all()))
        assert there == ((3, 0, 1) if "refund done" in told else (2, 1, 0))
