"""What a customer ordered is its partner's to see while it is the partner's customer."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from chassis.database import Database
from order.copies import Customer
from order.resources.complete_orders import complete_orders
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
from tests.order.caller import Caller
from tests.order.conftest import SetClock

pytestmark = pytest.mark.postgres
RESOURCES = "/v2/orders/suscriptions/resources/query"
OLDER = "/v1.0/{}/common/order-mgr/orders/detail?page_size=10&page_index=1"
LEFT = [
    {"association_status": "unlinked"},
    {"association_status": "pending"},
    {"association_type": "1"},
    {"partner_id": "p9"},
]


async def seen(caller: Caller, principal: Any, customer: str, order_id: str) -> set[str]:
    """By which doors the caller sees the order or what came of it."""
    told: dict[str, bool] = {}
    named = {"indirect_partner_id": "r1"} if principal is DISTRIBUTOR else {}
    page = await caller.get(principal, ORDERS, **named)
    told["list"] = bool(page.json()["order_infos"])
    filtered = await caller.get(principal, ORDERS, customer_id=customer, **named)
    told["list of the customer"] = bool(filtered.json()["order_infos"])
    details = await caller.get(principal, f"{ORDERS}/details/{order_id}", **named)
    told["details"] = details.status_code == 200
    native = await caller.get(principal, f"/api/orders/{order_id}")
    told["native"] = native.status_code == 200
    if principal is not DISTRIBUTOR:
        older = await caller.get(principal, OLDER.format(principal.id))
        told["older"] = bool(older.json()["data"]["orderInfos"])
        asked = {"customer_id": customer} if principal.is_partner else {}
        resources = await caller.post(principal, RESOURCES, asked)
        told["resources"] = bool(resources.json()["data"])
    return {door for door, shown in told.items() if shown}


async def leave(database: Database, customer: str, change: dict[str, str]) -> None:
    """As the copy says after the event."""
    left = update(Customer).where(Customer.customer_id == customer).values(**change)
    async with database.transaction() as session:
        await session.execute(left)


@pytest.mark.parametrize("change", LEFT)
async def test_a_partner_sees_nothing_of_who_left_and_the_customer_all(
    caller: Caller, database: Database, clock: SetClock, change: dict[str, str]
) -> None:
    customer = await keep_customer(database)
    order = (await place(caller, customer))["order_id"]
    itself = customer_principal(customer)
    await caller.post(itself, PAY, payment(order))
    await complete_orders(database, clock.now + timedelta(minutes=1))
    everywhere = {"list", "list of the customer", "details", "native", "older", "resources"}
    assert await seen(caller, PARTNER, customer, order) == everywhere
    await leave(database, customer, change)
    assert await seen(caller, PARTNER, customer, order) == set()
    assert await seen(caller, itself, customer, order) >= {"list", "details", "older", "resources"}


@pytest.mark.parametrize("change", LEFT)
async def test_a_distributor_sees_nothing_of_who_left_its_reseller(
    caller: Caller, database: Database, change: dict[str, str]
) -> None:
    await keep_reseller(database)
    customer = await keep_customer(database, partner_id="r1", distributor_id="d1")
    order = (await place(caller, customer, principal=DISTRIBUTOR))["order_id"]
    everywhere = {"list", "list of the customer", "details", "native"}
    assert await seen(caller, DISTRIBUTOR, customer, order) == everywhere
    assert "native" in await seen(caller, RESELLER, customer, order)
    await leave(database, customer, change)
    assert await seen(caller, DISTRIBUTOR, customer, order) == set()
    assert await seen(caller, RESELLER, customer, order) == set()
