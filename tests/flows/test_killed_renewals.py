"""Order killed in an automatic renewal: it is renewed once, and paid for once.

To see it fail: place an order at each try, whatever is left (`order/renewals/renew_due.py`). The
other points of a try: tests/order/test_killed_renewals.py.
"""

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from testkit.system import System
from tests.flows.cast import Stage, eventually
from tests.flows.deeds import create_customer, order_of, pay, place_order, transfer
from tests.flows.test_killed_payments import money
from tests.flows.test_killed_refunds import resources_of

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

AUTO_RENEW = "/v2/orders/subscriptions/resources/autorenew"
PENDING, COMPLETED = 6, 5
# As if its month were over in five days: the first try is on the seventh day before.
DUE = """
    WITH ended AS (
        UPDATE resource_periods SET end_at = now() + interval '5 days' WHERE resource_id = $1
    )
    UPDATE resources SET expire_at = now() + interval '5 days', next_renewal_at = now()
    WHERE resource_id = $1
"""
RENEWALS = """
    SELECT o.status, o.amount_after_discount FROM orders o JOIN order_lines l USING (order_id)
    WHERE o.order_type = 2 AND l.resource_id = $1
"""
CLAIM_ENDED = "UPDATE resources SET renewing_until = now() WHERE resource_id = $1"


@pytest.fixture
def stage(stage: Stage) -> Iterator[Stage]:
    """The system, whose order runs afterwards, whatever failed."""
    yield stage
    if not stage.system.is_alive("order"):
        stage.system.restart("order")


def tell(system: System, statement: str, resource_id: str) -> list[Any]:
    """To order's database, while nobody runs who would say it: that time has passed."""

    async def told() -> list[Any]:
        connection = await asyncpg.connect(system.databases["order"].url)
        try:
            return list(await connection.fetch(statement, resource_id))
        finally:
            await connection.close()

    return asyncio.run(told())


def renewals_of(customer: Any) -> list[tuple[int, Decimal]]:
    """Status and amount of each order that renewed something, or is to."""
    found = customer.caller.get("/v2/orders/customer-orders?order_type=2")["order_infos"]
    return [(one["status"], Decimal(str(one["amount_after_discount"]))) for one in found]


@pytest.mark.timeout(240)
def test_killed_in_an_automatic_renewal(stage: Stage) -> None:
    system, partner = stage.system, stage.partner()
    customer = create_customer(stage, partner)
    transfer(partner, customer.id, "5000.00")
    stage.authorize(partner, customer.caller)
    order_id = place_order(partner, customer.id)["order_id"]
    pay(customer.caller, order_id)
    [(resource, _)] = eventually(lambda: resources_of(customer), bool)
    eventually(lambda: order_of(partner, order_id).status, lambda status: status == COMPLETED)
    [balance, _] = eventually(lambda: money(partner, customer.id), lambda seen: seen[1] == 0)
    body = {"auto_renew_times": 0, "period_type": "MONTH"}
    customer.caller.post(f"{AUTO_RENEW}/{resource}", body)

    system.stop("order")  # it looks for what is due when it starts
    tell(system, DUE, resource)
    system.launch("order", {"CRASH_AT": "renewal.placed"})
    system.wait_until_ended("order")
    [(status, amount)] = tell(system, RENEWALS, resource)
    assert status == PENDING, "the order is there, and nothing is paid"

    tell(system, CLAIM_ENDED, resource)
    system.restart("order")
    eventually(lambda: renewals_of(customer), lambda seen: seen == [(COMPLETED, amount)])
    left = (balance - amount, Decimal(0))
    eventually(lambda: money(partner, customer.id), lambda seen: seen == left)
    history = partner.get(f"/api/resources/{resource}/history")["history"]
    assert [one["event"] for one in history].count("resource.renewed") == 1
    assert stage.admin("GET", "/api/ledger/proof")["balanced"] is True
