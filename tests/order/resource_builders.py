"""Resources that tests of order start from: ordered, paid and opened."""

from typing import Any

from sqlalchemy import select

from chassis.database import Database
from chassis.identity import Principal
from order.provisioning.complete_orders import complete_orders
from order.resources.models import Resource
from order.resources.provider import SimulatedProvider
from testkit.clock import StandingClock
from testkit.door import Door
from tests.order.builders import PARTNER, PAY, customer_principal, line, payment, place

EBS = "hws.service.type.ebs"
HOURLY: dict[str, Any] = {
    "charging_mode": 3,
    "period_type": None,
    "period_num": None,
}  # of an order's line
DISK: dict[str, Any] = {
    "resource_type_code": "hws.resource.type.volume",
    "resource_spec_code": "SSD",
}


async def opened(
    door: Door,
    database: Database,
    clock: StandingClock,
    customer: str,
    *lines: dict[str, Any],
    principal: Principal = PARTNER,
    partner_id: str = "p1",
) -> list[str]:
    """An order that was paid and opened at once; its resources' ids, main ones first."""
    order = await place(door, customer, list(lines) or [line()], principal)
    itself = customer_principal(customer, partner_id)
    answer = await door.post(PAY, payment(order["order_id"]), itself)
    assert answer.status_code == 204, answer.text
    clock.forward(seconds=2)
    await complete_orders(database, SimulatedProvider(), clock.now)
    async with database.transaction() as session:
        found = await session.scalars(
            select(Resource.resource_id)
            .where(Resource.order_id == order["order_id"])
            .order_by(
                Resource.main_resource_id.is_not(None), Resource.line_id, Resource.resource_id
            )
        )
        return list(found)


async def resource_of(database: Database, resource_id: str) -> Resource:
    """The resource as it stands."""
    async with database.transaction() as session:
        return await session.get_one(Resource, resource_id)
