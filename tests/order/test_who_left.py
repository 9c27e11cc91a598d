"""What a customer ordered is its partner's to see while it is the partner's customer."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from chassis.database import Database
from order.copies import Customer
from order.provisioning.complete_orders import complete_orders
from order.resources.provider import SimulatedProvider
from testkit.clock import StandingClock
from testkit.door import Door
from tests.order.builders import (
    DISTRIBUTOR,
    ORDERS,
    PARTNER,
    PAY,
    RESELLER,
    customer_principal,
    keep_customer,
    keep_reseller,
    payment,
    place,
)
from tests.order.packages import buy
from tests.order.peer_double import PeerDouble
from tests.order.resource_builders import opened
from tests.order.test_list_packages import INFOS as PACKAGES
from tests.order.test_unsubscribe_resources import REFUND, unsubscribe

pytestmark = pytest.mark.postgres
RESOURCES = "/v2/orders/suscriptions/resources/query"
OLDER = "/v1.0/{}/common/order-mgr/orders/detail?page_size=10&page_index=1"
LEFT = [
    {"association_status": "unlinked"},
    {"association_status": "pending"},
    {"association_type": "1"},
    {"partner_id": "p9"},
]


async def seen(door: Door, principal: Any, customer: str, order_id: str) -> set[str]:
    """By which doors the caller sees the order or what came of it."""
    told: dict[str, bool] = {}
    named = {"indirect_partner_id": "r1"} if principal is DISTRIBUTOR else {}
    page = await door.get(ORDERS, principal, query=named)
    told["list"] = bool(page.json()["order_infos"])
    filtered = await door.get(ORDERS, principal, query={"customer_id": customer, **named})
    told["list of the customer"] = bool(filtered.json()["order_infos"])
    details = await door.get(f"{ORDERS}/details/{order_id}", principal, query=named)
    told["details"] = details.status_code == 200
    native = await door.get(f"/api/orders/{order_id}", principal)
    told["native"] = native.status_code == 200
    if principal is not DISTRIBUTOR:
        older = await door.get(OLDER.format(principal.id), principal)
        told["older"] = bool(older.json()["data"]["orderInfos"])
        asked = {"customer_id": customer} if principal.is_partner else {}
        resources = await door.post(RESOURCES, asked, principal)
        told["resources"] = bool(resources.json()["data"])
    return {door for door, shown in told.items() if shown}


async def leave(database: Database, customer: str, change: dict[str, str]) -> None:
    """As the copy says after the event."""
    left = update(Customer).where(Customer.customer_id == customer).values(**change)
    async with database.transaction() as session:
        await session.execute(left)


@pytest.mark.parametrize("change", LEFT)
async def test_a_partner_sees_nothing_of_who_left_and_the_customer_all(
    door: Door, database: Database, clock: StandingClock, change: dict[str, str]
) -> None:
    customer = await keep_customer(database)
    order = (await place(door, customer))["order_id"]
    itself = customer_principal(customer)
    await door.post(PAY, payment(order), itself)
    await complete_orders(database, SimulatedProvider(), clock.now + timedelta(minutes=1))
    everywhere = {"list", "list of the customer", "details", "native", "older", "resources"}
    assert await seen(door, PARTNER, customer, order) == everywhere
    await leave(database, customer, change)
    assert await seen(door, PARTNER, customer, order) == set()
    assert await seen(door, itself, customer, order) >= {"list", "details", "older", "resources"}


@pytest.mark.parametrize("change", LEFT)
async def test_a_distributor_sees_nothing_of_who_left_its_reseller(
    door: Door, database: Database, change: dict[str, str]
) -> None:
    await keep_reseller(database)
    customer = await keep_customer(database, partner_id="r1", distributor_id="d1")
    order = (await place(door, customer, principal=DISTRIBUTOR))["order_id"]
    everywhere = {"list", "list of the customer", "details", "native"}
    assert await seen(door, DISTRIBUTOR, customer, order) == everywhere
    assert (await door.get(f"/api/orders/{order}", RESELLER)).status_code == 200
    await leave(database, customer, change)
    assert await seen(door, DISTRIBUTOR, customer, order) == set()
    assert (await door.get(f"/api/orders/{order}", RESELLER)).status_code == 404


async def test_a_customer_sees_what_it_ordered_under_another_partner(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """H.15. Whoever acts for it sees what its partner sees.

    Break: leave `order_lines` out of the policies `own_customer`.
    """
    customer = await keep_customer(database)
    order = (await place(door, customer))["order_id"]
    itself, later = customer_principal(customer), customer_principal(customer, "p9")
    await door.post(PAY, payment(order), itself)
    await complete_orders(database, SimulatedProvider(), clock.now + timedelta(minutes=1))
    history = f"/api/orders/{order}/history"
    before = (await door.get(history, itself)).json()["history"]
    details = (await door.get(f"{ORDERS}/details/{order}", itself)).json()
    await leave(database, customer, {"partner_id": "p9"})
    assert await seen(door, later, customer, order) >= {"list", "details", "older"}
    assert (await door.get(f"{ORDERS}/details/{order}", later)).json() == details
    assert (await door.get(history, later)).json()["history"] == before
    acting = customer_principal(customer, "p9", acting_for_partner="p9")
    assert await seen(door, acting, customer, order) == set()
    again = await door.post(PAY, payment(order), later)
    assert again.json()["error_code"] == "CBC.30000010", "it is seen and not changed"
    stranger = customer_principal(await keep_customer(database), "p1")
    assert await seen(door, stranger, customer, order) == set()


async def test_a_customer_sees_its_packages_and_refunds_under_another_partner(
    door: Door, database: Database, clock: StandingClock, peers: PeerDouble
) -> None:
    """Break: leave `package_items` or `refunds` out of the policies `own_customer`."""
    customer = await keep_customer(database)
    [package] = await buy(door, database, peers, clock, customer_id=customer)
    [resource] = await opened(door, database, clock, customer)
    [refund] = (await unsubscribe(door, customer, resource)).json()["order_ids"]
    await leave(database, customer, {"partner_id": "p9"})
    later = customer_principal(customer, "p9")
    [shown] = (await door.post(PACKAGES, {}, later)).json()["free_resource_packages"]
    assert [one["free_resource_id"] for one in shown["free_resources"]] == [
        item.item_id for item in package.items
    ]
    rows = await door.get(REFUND, later, query={"order_id": refund})
    assert rows.json()["total_count"] == 1
