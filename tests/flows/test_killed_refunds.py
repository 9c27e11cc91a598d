"""Order killed while it gives back: afterwards refunded everywhere or nowhere, and once.

To see one fail: publish `order.refunded` in a transaction of its own, behind the one that ends the
resources, or give failed pieces back in one behind that in which they failed.
"""

from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.flows.cast import Caller, Stage, eventually
from tests.flows.deeds import (
    create_customer,
    issue_coupon,
    issued_coupon,
    order_of,
    pay,
    place_order,
    transfer,
)
from tests.flows.test_killed_payments import money

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

RESOURCES = "/v2/orders/suscriptions/resources/query"
UNSUBSCRIBE = "/v2/orders/subscriptions/resources/unsubscribe"
IN_USE, CLOSED = 2, 3  # resource statuses
USABLE = 2  # coupon status
ALL = (Decimal(5000), Decimal(0))  # balance and what of it is held


@pytest.fixture
def stage(stage: Stage) -> Iterator[Stage]:
    """The system, whose order dies no more afterwards."""
    yield stage
    stage.system.restart("order")


def buyer(stage: Stage) -> tuple[Caller, Any, str, str]:
    """A partner, its customer with money and a coupon, and an order that waits for payment."""
    partner = stage.partner()
    quota = stage.quota(partner.domain_id)
    customer = create_customer(stage, partner)
    transfer(partner, customer.id, "5000.00")
    coupon = issue_coupon(partner, quota, customer.id, "50.00")
    stage.authorize(partner, customer.caller)
    return partner, customer, coupon, place_order(partner, customer.id)["order_id"]


def resources_of(customer: Any) -> list[tuple[str, int]]:
    """The id and status of each resource."""
    answer = customer.caller.post(RESOURCES, {})
    return [(one["resource_id"], one["status"]) for one in answer["data"]]


def given_back(stage: Stage, partner: Caller, customer: Any, coupon: str) -> None:
    """Money and coupon are where they came from, and the books are right."""
    eventually(lambda: money(partner, customer.id), lambda seen: seen == ALL)
    eventually(lambda: issued_coupon(partner, coupon).status, lambda status: status == USABLE)
    found = customer.caller.get("/v2/orders/customer-orders?order_type=4")["order_infos"]
    assert len([one for one in found if one["order_type"] == 4]) == 1
    assert stage.admin("GET", "/api/ledger/proof")["balanced"] is True
    assert stage.admin("GET", "/api/vouchers/proof")["balanced"] is True


@pytest.mark.timeout(240)
def test_killed_in_an_unsubscription(stage: Stage) -> None:
    partner, customer, coupon, order_id = buyer(stage)
    pay(customer.caller, order_id, coupon)
    [(resource, _)] = eventually(lambda: resources_of(customer), bool)
    eventually(lambda: order_of(partner, order_id).status, lambda status: status == 5)
    body = {"resource_ids": [resource], "unsubscribe_type": 1}

    stage.system.restart("order", {"CRASH_AT": "order.refund_stated"})
    try:
        with suppress(httpx.HTTPError):
            customer.caller.call("POST", UNSUBSCRIBE, body)
        stage.system.wait_until_ended("order")
    finally:
        stage.system.restart("order")

    assert resources_of(customer) == [(resource, IN_USE)], "nowhere"
    assert customer.caller.call("POST", UNSUBSCRIBE, body).status_code == 200
    assert resources_of(customer) == [(resource, CLOSED)]
    given_back(stage, partner, customer, coupon)


@pytest.mark.timeout(240)
def test_killed_while_a_failed_piece_is_given_back(stage: Stage) -> None:
    partner, customer, coupon, order_id = buyer(stage)
    stage.system.restart("order", {"CRASH_AT": "order.refund_stated", "SANDBOX": "true"})
    rule = {"order_id": order_id, "outcome": "fail", "code": "CBC.99003141"}
    made = stage.admin("POST", "/api/sandbox/provisioning-rules", rule)
    try:
        pay(customer.caller, order_id, coupon)
        stage.system.wait_until_ended("order")
    finally:
        stage.system.restart("order", {"SANDBOX": "true"})
    eventually(lambda: order_of(partner, order_id).status, lambda status: status == 5)
    assert resources_of(customer) == []
    given_back(stage, partner, customer, coupon)
    rules = stage.admin("GET", "/api/sandbox/provisioning-rules")["rules"]
    assert [one["used"] for one in rules if one["rule_id"] == made["rule_id"]] == [1]
