"""Order killed at each step of a payment: no money held for ever, none freed that was spent.

To see one fail: let `close_attempts` leave open attempts alone ("attempted", "reserved", "held"),
or publish `OrderPaid` outside the transaction that settles the attempt ("settled").
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from huaweicloudsdkcore.exceptions.exceptions import SdkException

from tests.flows.cast import Caller, Stage, eventually
from tests.flows.deeds import (
    a_master,
    create_customer,
    issue_coupon,
    issued_coupon,
    make_member,
    order_of,
    pay,
    place_order,
    transfer,
)

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

CLOSING_SECONDS = 60
USABLE, USED = 2, 3  # coupon statuses
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


def pay_and_kill(stage: Stage, payer: Caller, order_id: str, coupon: str) -> None:
    """The payment at which order dies, as it was started to."""
    with pytest.raises(SdkException):
        pay(payer, order_id, coupon)
    stage.system.wait_until_ended("order")


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
        pay_and_kill(stage, customer.caller, order["order_id"], coupon)
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


@pytest.mark.timeout(240)
def test_killed_twice_while_a_master_pays_for_its_member(stage: Stage) -> None:
    """What is held, freed and spent is the master's; the member keeps its own."""
    partner = stage.partner()
    quota = stage.quota(partner.domain_id)
    master = a_master(stage, partner)
    member = stage.caller(make_member(stage, master, f"branch_{uuid4().hex[:12]}"))
    for one in (master, member):
        transfer(partner, one.domain_id, "5000.00")
    coupon = issue_coupon(partner, quota, master.domain_id, "50.00")
    stage.authorize(partner, member)
    order = place_order(partner, member.domain_id)
    order_id, spent = order["order_id"], Decimal(str(order["amount_after_discount"])) - 50
    with pytest.raises(SdkException):
        pay(member, order_id)  # asks the master

    def eventually_there(masters: Decimal, held: Decimal, *coupons: Any) -> None:
        def seen() -> Any:
            of_both = [money(partner, one.domain_id) for one in (master, member)]
            shown = issued_coupon(partner, coupon)
            return *of_both, (shown.status, shown.lock_order_id or None)

        wanted = ((masters, held), (Decimal(5000), Decimal(0)), coupons)
        eventually(seen, lambda now: now == wanted, CLOSING_SECONDS)

    stage.system.restart("order", {"CRASH_AT": "order.held", **IMPATIENT})
    pay_and_kill(stage, master, order_id, coupon)
    eventually_there(Decimal(5000), spent, USABLE, order_id)

    stage.system.restart("order", {"CRASH_AT": "order.settled", **IMPATIENT})
    eventually_there(Decimal(5000), Decimal(0), USABLE, None)
    assert order_of(master, order_id).status == 6
    pay_and_kill(stage, master, order_id, coupon)

    stage.system.restart("order", IMPATIENT)
    eventually_there(5000 - spent, Decimal(0), USED, None)
    assert order_of(master, order_id).status in (3, 5)
    assert stage.admin("GET", "/api/ledger/proof")["balanced"] is True
    assert stage.admin("GET", "/api/vouchers/proof")["balanced"] is True


def eventually_pays(caller: Caller, order_id: str, coupon: str) -> None:
    """Pay again; until the abandoned attempt is closed the order says that it is being paid."""

    def paid() -> bool:
        try:
            pay(caller, order_id, coupon)
        except SdkException:
            return False
        return True

    eventually(paid, bool, CLOSING_SECONDS)
