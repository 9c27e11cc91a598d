"""Packages as the tests of order buy them."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from chassis.database import Database
from order.packages.models import Package
from order.provisioning.complete_orders import complete_orders
from order.resources.provider import SimulatedProvider
from testkit.clock import StandingClock
from testkit.door import Door
from tests.order.builders import PAY, customer_principal, keep_customer, line, payment, place
from tests.order.peer_double import PeerDouble

SPEC = "pkg.vm"


def contents(*amounts: str, **more: Any) -> dict[str, Any]:
    """What billing's quote says of a package: by default full again on each 1st."""
    return {
        "begins": "at_once",
        "quota_reuse_mode": 1,
        "quota_reuse_cycle": 4,
        "quota_reuse_cycle_type": 1,
        "items": [
            {
                "usage_type_code": "Duration",
                "usage_type_name": f"use {number}",
                "resource_type_code": "hws.resource.type.vm",
                "resource_type_name": "云主机",
                "resource_spec_codes": [f"spec.{number}"],
                "amount": amount,
                "measure_id": 4,
            }
            for number, amount in enumerate(amounts or ["750"], start=1)
        ],
        **more,
    }


ONCE: dict[str, Any] = {
    "quota_reuse_mode": 2,
    "quota_reuse_cycle": None,
    "quota_reuse_cycle_type": None,
}


async def buy(
    door: Door,
    database: Database,
    peers: PeerDouble,
    clock: StandingClock,
    held: dict[str, Any] | None = None,
    *,
    customer_id: str | None = None,
    coupon: str | None = None,
    **more: Any,
) -> list[Package]:
    """Packages that a customer bought and paid, opened now."""
    peers.packages[SPEC] = held or contents()
    customer_id = customer_id or await keep_customer(database)
    wanted = line(resource_type_code="hws.resource.type.pkg.vm", resource_spec_code=SPEC, **more)
    order = await place(door, customer_id, [wanted])
    told = payment(order["order_id"], *([coupon] if coupon else []))
    answer = await door.post(PAY, told, customer_principal(customer_id))
    assert answer.status_code == 204, answer.text
    clock.now += timedelta(seconds=2)
    await complete_orders(database, SimulatedProvider(), clock.now)
    return [one for one in await packages(database) if one.order_id == order["order_id"]]


async def packages(database: Database) -> list[Package]:
    """All of them, in the order of their lines and pieces."""
    async with database.transaction() as session:
        found = await session.scalars(select(Package).order_by(Package.package_id))
        return list(found)
