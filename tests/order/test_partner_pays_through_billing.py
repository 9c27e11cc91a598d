"""A partner's payment and its refund, with the real billing: who is charged, who gets it back."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from billing.accounts.models import CHARGES
from billing.settings import BillingSettings
from chassis.database import Database
from contracts.event import Event, contracts
from order.provisioning.complete_orders import complete_orders
from order.resources.provider import SimulatedProvider
from testkit import outbox
from testkit.clock import StandingClock
from testkit.databases import ServiceDatabase, service_database
from testkit.door import Door
from tests.billing import builders as of_billing
from tests.order.builders import (
    PARTNER,
    PAY,
    customer_principal,
    keep_customer,
    keep_partner,
    payment,
    place,
)
from tests.order.peer_double import Content, PeerDouble
from tests.voucher import builders as of_voucher

pytestmark = pytest.mark.postgres

HOLD = "/internal/holds"
UNSUBSCRIBE = "/v2/orders/subscriptions/resources/unsubscribe"
RESOURCES = "/v2/orders/suscriptions/resources/query"

# Of what order states, billing acts on these.
HEARD = {"order.paid", "order.payment_failed", "order.refunded"}

billing_database = service_database("billing")


@pytest.fixture
async def customer(database: Database) -> str:
    await keep_partner(database)
    return await keep_customer(database)


@pytest.fixture
async def billing(
    billing_database: ServiceDatabase, peers: PeerDouble, customer: str
) -> AsyncIterator[of_billing.BillingDoor]:
    """The real one answers the holds that order asks its double for."""
    settings = billing_database.settings(BillingSettings)
    database = Database(settings, "billing")
    heard = of_voucher.joined("p1"), of_voucher.associated(customer, partner_id="p1")
    await of_billing.hear(database, *heard)
    await database.close()
    async with of_billing.running(settings) as door:

        async def hold(content: Content) -> None:
            by = PARTNER if content.get("payer_partner_id") else customer_principal(customer)
            answer = await door.post(HOLD, content, by)
            peers.refusals.clear()
            if answer.is_success:
                peers.answers[HOLD] = answer.json()
            else:
                peers.refusals[HOLD] = (answer.status_code, answer.json()["code"])

        peers.before[HOLD] = hold
        yield door


class Bus:
    """Brings billing what order has stated since the last time."""

    def __init__(self, order: Database, billing: Database):
        self._order, self._billing = order, billing
        self._told = 0

    async def settle(self) -> None:
        known = contracts("order")
        stated = await outbox.stated(self._order)
        events: list[Event] = [
            known[kind].model_validate(body) for kind, body in stated[self._told :] if kind in HEARD
        ]
        self._told = len(stated)
        await of_billing.hear(self._billing, *events)


async def money(billing: of_billing.BillingDoor, owner: str) -> tuple[str, str, str]:
    """Balance, hold, what was charged."""
    cash = await of_billing.balance_of(billing.database, owner)
    charges = await of_billing.balance_of(billing.database, owner, CHARGES)
    return str(cash.balance), str(cash.held), str(charges.balance)


async def test_the_partner_is_charged_and_what_goes_back_is_its_own(
    door: Door, database: Database, billing: of_billing.BillingDoor, clock: StandingClock,
    customer: str,
) -> None:  # fmt: skip
    """Break: let complete_orders note paying_agent_id alone as the period's payer."""
    bus = Bus(database, billing.database)
    asker = customer_principal(customer)
    await billing.top_up("p1", "100.00")
    order_id = (await place(door, customer))["order_id"]
    asked = (await door.post(f"/api/orders/{order_id}/payment-request", None, asker)).json()
    paid = await door.post(f"/api/payment-requests/{asked['request_id']}/pay", None, PARTNER)
    assert paid.status_code == 200, paid.text
    assert await money(billing, "p1") == ("100.00", "85.00", "0.00")
    await bus.settle()
    assert await money(billing, "p1") == ("15.00", "0.00", "85.00")
    assert await money(billing, customer) == ("0.00", "0.00", "0.00")

    clock.now += timedelta(minutes=5)
    await complete_orders(database, SimulatedProvider(), clock.now)
    [resource] = (await door.post(RESOURCES, {"order_id": order_id}, asker)).json()["data"]
    wanted = {"resource_ids": [resource["resource_id"]], "unsubscribe_type": 1}
    assert (await door.post(UNSUBSCRIBE, wanted, asker)).status_code == 200
    await bus.settle()
    assert await money(billing, "p1") == ("100.00", "0.00", "0.00")
    assert await money(billing, customer) == ("0.00", "0.00", "0.00")
    assert (await of_billing.prove(billing))["balanced"] is True


async def test_what_the_partner_lacks_or_earmarked_pays_nothing_and_the_customer_may(
    door: Door, database: Database, billing: of_billing.BillingDoor, customer: str
) -> None:
    bus = Bus(database, billing.database)
    asker = customer_principal(customer)
    await billing.top_up("p1", "170.00", designated="85.01")
    order_id = (await place(door, customer))["order_id"]
    asked = (await door.post(f"/api/orders/{order_id}/payment-request", None, asker)).json()
    path = f"/api/payment-requests/{asked['request_id']}/pay"
    refused = await door.post(path, None, PARTNER)
    assert (refused.status_code, refused.json()["code"]) == (400, "CBC.99005003")
    await bus.settle()
    assert await money(billing, "p1") == ("170.00", "0.00", "0.00")

    await billing.top_up(customer, "85.00")
    assert (await door.post(PAY, payment(order_id), asker)).status_code == 204
    late = await door.post(path, None, PARTNER)
    assert (late.status_code, late.json()["code"]) == (400, "CBC.99003106")
    await bus.settle()
    assert await money(billing, customer) == ("0.00", "0.00", "85.00")
    assert await money(billing, "p1") == ("170.00", "0.00", "0.00")
    assert (await of_billing.prove(billing))["balanced"] is True
