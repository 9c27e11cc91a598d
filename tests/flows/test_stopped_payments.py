"""Services that stand still in a payment, and Kafka away from a payment until behind its refund.

Killed at those points: test_killed_payments.py, test_killed_refunds.py. To see one fail: free
nothing in voucher's `release_attempt`, or delete the outbox's rows before they are sent
(`chassis/relay.py`).
"""

import threading
import time
from collections.abc import Iterator

import pytest
from huaweicloudsdkcore.exceptions.exceptions import SdkException

from tests.flows.cast import Stage, eventually
from tests.flows.deeds import issued_coupon, order_of, pay
from tests.flows.test_killed_payments import CLOSING_SECONDS, money
from tests.flows.test_killed_refunds import (
    ALL,
    CLOSED,
    UNSUBSCRIBE,
    buyer,
    given_back,
    resources_of,
)

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

PENDING, PAID = 6, (3, 5)  # order statuses
ABANDONED_SECONDS = 2
USED = 3  # coupon status


@pytest.fixture
def stage(stage: Stage) -> Iterator[Stage]:
    """The system, whose order is patient again and whose Kafka is there, whatever failed."""
    yield stage
    if stage.system.kafka.pid is None:
        stage.system.kafka.start()
    stage.system.restart("order")


@pytest.mark.timeout(300)
def test_who_stands_still_in_a_payment_holds_nothing_for_ever(stage: Stage) -> None:
    """Voucher, then billing, then order itself behind the hold, for longer than anybody waits."""
    system = stage.system
    partner, customer, coupon, order_id = buyer(stage)

    def nothing_is_held() -> None:
        eventually(
            lambda: (money(partner, customer.id), issued_coupon(partner, coupon).lock_order_id),
            lambda seen: seen[0] == ALL and not seen[1],
            CLOSING_SECONDS,
        )
        assert order_of(partner, order_id).status == PENDING

    for still in ("voucher", "billing"):
        with system.frozen(still), pytest.raises(SdkException):
            pay(customer.caller, order_id, coupon)
        nothing_is_held()

    told = {"CRASH_AT": "order.held:1:STOP", "ATTEMPT_ABANDONED_SECONDS": str(ABANDONED_SECONDS)}
    system.restart("order", told)
    outcome: list[bool] = []

    def payer() -> None:
        try:
            pay(customer.caller, order_id, coupon)
        except SdkException:
            outcome.append(False)
        else:
            outcome.append(True)

    paying = threading.Thread(target=payer)
    paying.start()
    with system.frozen_by_itself("order"):
        time.sleep(ABANDONED_SECONDS + 1)  # its attempt is old when it goes on
    paying.join()
    if outcome == [False] and order_of(partner, order_id).status == PENDING:
        nothing_is_held()  # whoever closes old attempts was faster than the payment
        pay(customer.caller, order_id, coupon)
    assert order_of(partner, order_id).status in PAID
    spent = eventually(lambda: money(partner, customer.id), lambda seen: seen[1] == 0)
    assert spent[0] < ALL[0]
    assert eventually(lambda: issued_coupon(partner, coupon).status, lambda status: status == USED)
    assert stage.admin("GET", "/api/ledger/proof")["balanced"] is True
    assert stage.admin("GET", "/api/vouchers/proof")["balanced"] is True


@pytest.mark.timeout(300)
def test_paid_and_given_back_while_kafka_is_away(stage: Stage) -> None:
    """Both are done at once where they were asked for, and everywhere when Kafka is there again."""
    partner, customer, coupon, order_id = buyer(stage)
    stage.system.kafka.kill()
    pay(customer.caller, order_id, coupon)
    [(resource, _)] = eventually(lambda: resources_of(customer), bool)
    eventually(lambda: order_of(partner, order_id).status, lambda status: status == PAID[-1])
    body = {"resource_ids": [resource], "unsubscribe_type": 1}
    assert customer.caller.call("POST", UNSUBSCRIBE, body).status_code == 200
    assert resources_of(customer) == [(resource, CLOSED)]
    held = issued_coupon(partner, coupon)
    assert held.lock_order_id == order_id, "nobody has heard of it yet: it is held"

    stage.system.kafka.start()
    given_back(stage, partner, customer, coupon)
