"""What was bought under a former partner is handled by the new one (docs/domain/orders.md H.15).

Found by random lives: its order, and what changes of it gave back, stay with the former partner.
See decision 0157.
"""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.database import Database
from contracts.customer import CustomerUpdated
from order.changes.bought import bought_of
from order.copies import Authorization
from testkit.clock import StandingClock
from testkit.door import Door, code_of
from tests.order.builders import (
    OTHER_PARTNER,
    PARTNER,
    PAY,
    customer_principal,
    hear,
    keep_customer,
    line,
    payment,
)
from tests.order.peer_double import PeerDouble
from tests.order.renewal_builders import carry_out, renew, resource_of
from tests.order.test_change_resources import LARGE, SMALL, change, server
from tests.order.test_copies import customer as told
from tests.order.test_unsubscribe_resources import UNSUBSCRIBE, bought, unsubscribe

pytestmark = pytest.mark.postgres

REFUND_QUOTES, ORDERS = "/api/resources/refund-quotes", "/api/orders"
CONVERT = "/v2/orders/subscriptions/resources/to-on-demand/instantly"


@pytest.fixture(autouse=True)
def catalogue(peers: PeerDouble) -> None:
    peers.discount = Decimal("0.00")
    peers.prices = {SMALL: Decimal("32.20"), LARGE: Decimal("128.80")}


async def refund_quote(door: Door, resource: str, who: Any) -> dict[str, Any]:
    answer = await door.post(REFUND_QUOTES, {"resource_ids": [resource]}, who)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def move(database: Database, customer: str) -> None:
    """To another partner, which it lets act for it."""
    await hear(database, told(CustomerUpdated, 2, customer_id=customer, partner_id="p2"))
    async with database.transaction() as session:
        session.add(
            Authorization(
                authorization_id=uuid4().hex, customer_id=customer, status="active",
                partner_id="p2", distributor_id=None, version=1,
            )
        )  # fmt: skip


async def test_a_new_partner_changes_what_was_bought_under_the_former_one(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """By the price and the discount that were paid then. Break: read the order's line."""
    customer, resource = await server(door, database, clock)
    quoted = await door.post(f"{ORDERS}/quotes", change(customer, resource), PARTNER)
    await move(database, customer)
    order = await door.post(ORDERS, change(customer, resource), OTHER_PARTNER)
    assert order.status_code == 201, order.text
    assert order.json()["amount_after_discount"] == "90.28"
    assert quoted.json()["amount_after_discount"] == "90.28"
    refused = await door.post(ORDERS, change(customer, resource), PARTNER)
    assert refused.is_client_error


async def test_what_a_change_gave_back_before_is_not_given_back_again(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """By whoever quotes it, or acts for the customer. Break: read refunds by the tenant alone."""
    customer, resource = await server(door, database, clock, LARGE)
    answer = await door.post(ORDERS, change(customer, resource, spec=SMALL), PARTNER)
    assert answer.status_code == 201, answer.text
    assert (await resource_of(database, resource)).resource_spec_code == SMALL
    clock.now += timedelta(days=4)
    before = await refund_quote(door, resource, PARTNER)
    await move(database, customer)
    itself = customer_principal(customer, "p2")
    acting = customer_principal(customer, "p2", acting_for_partner="p2")
    for who in (itself, OTHER_PARTNER, acting):
        assert await refund_quote(door, resource, who) == before, who
    body = {"resource_ids": [resource], "unsubscribe_type": 1}
    done = await door.post(UNSUBSCRIBE, body, acting)
    assert done.status_code == 200, done.text
    [order_id] = done.json()["order_ids"]
    shown = await door.get(f"{ORDERS}/{order_id}", OTHER_PARTNER)
    assert shown.json()["amount_after_discount"] == before["refund_amount"]


async def test_nobody_else_hears_how_a_period_was_bought(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """The owner's function has the tenant's condition. Break: leave it out."""
    _, resource = await server(door, database, clock)
    [period] = (await resource_of(database, resource)).periods

    async def heard(session: AsyncSession) -> list[str]:
        return list(await bought_of(session, [period.period_id]))

    async with database.transaction_as(OTHER_PARTNER) as session:
        assert await heard(session) == []
    async with database.transaction_as(PARTNER) as session:
        assert await heard(session) == [period.period_id]
    async with database.transaction() as session:
        assert await heard(session) == [period.period_id]


async def test_what_is_under_way_under_the_former_partner_is_waited_for(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """A renewal that is paid and not carried out. Break: look at the tenant's orders alone."""
    customer, resource = await server(door, database, clock)
    itself = customer_principal(customer)
    [order_id] = (await renew(door, customer, resource)).json()["order_ids"]
    assert (await door.post(PAY, payment(order_id), itself)).status_code == 204
    await move(database, customer)
    acting = customer_principal(customer, "p2", acting_for_partner="p2")
    changed = await door.post(ORDERS, change(customer, resource), OTHER_PARTNER)
    assert code_of(changed) == (400, "CBC.99003144")
    body = {"resource_ids": [resource], "unsubscribe_type": 1}
    assert code_of(await door.post(UNSUBSCRIBE, body, acting)) == (400, "CBC.99003651")
    now = await door.post(CONVERT, {"resource_ids": [resource]}, acting)
    [result] = now.json()["to_ondemand_service_results"]
    assert (result["result"], result["error_code"]) == ("FAIL", "CBC.99003623")
    await carry_out(database, clock)
    after = await resource_of(database, resource)
    assert (after.status, len(after.periods)) == (2, 2)
    assert (await door.post(UNSUBSCRIBE, body, acting)).status_code == 200


async def test_the_ten_of_a_year_are_the_customers_under_whatever_partner(
    door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: count the refunds that the tenant sees."""
    customer = await keep_customer(database)
    _, four = await bought(door, database, clock, customer, line(quantity=4))
    assert (await unsubscribe(door, customer, *four[:3])).status_code == 200
    await move(database, customer)
    acting = customer_principal(customer, "p2", acting_for_partner="p2")
    for who in (customer_principal(customer, "p2"), OTHER_PARTNER, acting):
        assert (await refund_quote(door, four[3], who))["five_days_left"] == 7
