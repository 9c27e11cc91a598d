"""Order killed at each step of a payment: no money held for ever, none freed that was spent.

To see one fail: let `close_attempts` leave open attempts alone ("attempted", "reserved", "held"),
or publish `OrderPaid` outside the transaction that settles the attempt ("settled").
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from huaweicloudsdkcore.exceptions.exceptions import SdkException

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

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

CLOSING_SECONDS = 60
IMPATIENT = {"ATTEMPT_ABANDONED_SECONDS": "5"}  # else a left attempt is closed when 30 s old


@pytest.fixture
def stage(stage: Stage) -> Iterator[Stage]:
    """The system, whose order is patient again afterwards."""
    yield stage
    stage.system.restart("order")


def money(partner: Caller, customer_id: str) -> tuple[Decimal, Decimal]:
    """The customer's balance and what of it is held."""
    page = partner.get(f"/api/customers/{customer_id}")
    accounts = [one for one in page["balances"] if one["account_type"] == 1]
    return tuple(Decimal(accounts[0][name]) for name in ("balance", "held"))  # type: ignore[return-value]


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "point", ["order.attempted", "order.reserved", "order.held", "order.settled"]
)
def test_killed_in_a_payment(stage: Stage, point: str) -> None:
    partner = stage.partner()
    quota = stage.quota(partner.domain_id)
    customer = create_customer(stage, partner)
    transfer(partner, customer.id, "5000.00")
    coupon = issue_coupon(partner, quota, customer.id, "50.00")
    stage.authorize(partner, customer.caller)
    order: dict[str, Any] = place_order(partner, customer.id)
    payable = Decimal(str(order["amount_after_discount"]))

    stage.system.restart("order", {"CRASH_AT": point, **IMPATIENT})
    try:
        with pytest.raises(SdkException):
            pay(customer.caller, order["order_id"], coupon)
        stage.system.wait_until_ended("order")
    finally:
        stage.system.restart("order", IMPATIENT)

    if point != "order.settled":
        eventually(
            lambda: (money(partner, customer.id), issued_coupon(partner, coupon)),
            lambda seen: (
                seen[0] == (Decimal(5000), Decimal(0)) and seen[1].lock_order_id in (None, "")
            ),
            CLOSING_SECONDS,
        )
        assert order_of(partner, order["order_id"]).status == 6
        eventually_pays(customer.caller, order["order_id"], coupon)

    spent = payable - 50
    eventually(lambda: money(partner, customer.id), lambda seen: seen == (5000 - spent, Decimal(0)))
    assert eventually(lambda: issued_coupon(partner, coupon), lambda seen: seen.status == 3)
    assert order_of(partner, order["order_id"]).status in (3, 5)
    assert stage.admin("GET", "/api/ledger/proof")["balanced"] is True


def eventually_pays(caller: Caller, order_id: str, coupon: str) -> None:
    """Pay again; until the abandoned attempt is closed the order says that it is being paid."""

    def paid() -> bool:
        try:
            pay(caller, order_id, coupon)
        except SdkException:
            return False
        return True

    eventually(paid, bool, CLOSING_SECONDS)
