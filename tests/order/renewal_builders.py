"""What tests of renewals do most."""

from datetime import datetime
from typing import Any

import httpx
from sqlalchemy import select

from chassis.database import Database
from order.provisioning.complete_orders import complete_orders
from order.resources.models import Resource
from order.resources.provider import SimulatedProvider
from testkit.clock import StandingClock
from testkit.door import Door
from tests.order.builders import PAY, customer_principal, line, payment, place

RENEW = "/v2/orders/subscriptions/resources/renew"
AUTO_RENEW = "/v2/orders/subscriptions/resources/autorenew"
CONFIG = "/v2/orders/subscriptions/resources/renew/config"
DISK = {"resource_type_code": "hws.resource.type.volume", "resource_spec_code": "SSD"}
EBS = "hws.service.type.ebs"


async def carry_out(database: Database, clock: StandingClock) -> None:
    """What is paid is carried out."""
    await complete_orders(database, SimulatedProvider(), clock.now)


async def bought(
    door: Door, database: Database, clock: StandingClock, customer: str, *lines: dict[str, Any]
) -> list[str]:
    """The main resources of an order that was paid and opened at once."""
    order = await place(door, customer, list(lines) or [line()])
    answer = await door.post(PAY, payment(order["order_id"]), customer_principal(customer))
    assert answer.status_code == 204, answer.text
    clock.forward(seconds=2)
    await carry_out(database, clock)
    async with database.transaction() as session:
        found = await session.scalars(
            select(Resource.resource_id)
            .where(Resource.order_id == order["order_id"], Resource.main_resource_id.is_(None))
            .order_by(Resource.line_id, Resource.resource_id)
        )
        return list(found)


async def renew(
    door: Door, customer: str, *resource_ids: str, period_type: int = 2, period_num: int = 1,
    **more: Any,
) -> httpx.Response:  # fmt: skip
    """Ask for a renewal as the customer."""
    body = {"resource_ids": list(resource_ids), "period_type": period_type, **more}
    return await door.post(RENEW, body | {"period_num": period_num}, customer_principal(customer))


async def renewed(
    door: Door, database: Database, clock: StandingClock, customer: str, *resource_ids: str,
    **more: Any,
) -> str:  # fmt: skip
    """A renewal that is ordered, paid and carried out; its order."""
    answer = await renew(door, customer, *resource_ids, **more)
    assert answer.status_code == 200, answer.text
    [order_id] = answer.json()["order_ids"]
    paid = await door.post(PAY, payment(order_id), customer_principal(customer))
    assert paid.status_code == 204, paid.text
    await carry_out(database, clock)
    return str(order_id)


async def resource_of(database: Database, resource_id: str) -> Resource:
    """The resource as it is stored."""
    async with database.transaction() as session:
        return await session.get_one(Resource, resource_id)


async def end_at(database: Database, resource_id: str, at: datetime | None) -> None:
    """The resource ends then, and so does what paid it."""
    async with database.transaction() as session:
        resource = await session.get_one(Resource, resource_id)
        resource.paid_periods[-1].end_at = resource.expire_at = at
