"""Order killed amid a job: it goes on by itself, and each item is done once.

To see it fail: commit the deed before the item's outcome (`chassis/job_turns.py`), or take the
items that wait only in the process that started the job.
"""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.flows.cast import Caller, Stage, eventually
from tests.flows.deeds import create_customer, place_order

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

JOBS = "/api/order-jobs"
IMPATIENT = {"ATTEMPT_ABANDONED_SECONDS": "2"}  # else a left attempt is closed when 30 s old
ORDERS = 12


@pytest.fixture
def stage(stage: Stage) -> Iterator[Stage]:
    """The system, whose order is patient again afterwards."""
    yield stage
    stage.system.restart("order")


def ended(partner: Caller, job_id: str) -> dict[str, Any]:
    """The job, when it has come to its end."""
    return eventually(
        lambda: partner.get(f"{JOBS}/{job_id}"), lambda job: job["status"] == "done", 90
    )


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("kind", "point"),
    [("cancel", "order.item_done:5"), ("pay_requests", "order.held:5")],
)
def test_a_job_goes_on_after_a_kill(stage: Stage, kind: str, point: str) -> None:
    partner = stage.partner()
    customer = create_customer(stage, partner)
    stage.authorize(partner, customer.caller)
    placed = [place_order(partner, customer.id) for _ in range(ORDERS)]
    orders = [str(one["order_id"]) for one in placed]
    if kind == "cancel":
        items = [{"order_id": one} for one in orders]
    else:
        asked = [customer.caller.post(f"/api/orders/{one}/payment-request", {}) for one in orders]
        items = [{"request_id": one["request_id"]} for one in asked]

    stage.system.restart("order", {"CRASH_AT": point, **IMPATIENT})
    started = partner.call("POST", JOBS, {"kind": kind, "items": items})
    stage.system.wait_until_ended("order")
    stage.system.restart("order", IMPATIENT)
    if started.status_code != 202:  # it died before the answer had left: nobody knows the job's id
        pytest.fail(started.text)
    job = ended(partner, started.json()["job_id"])

    assert (job["succeeded"], job["failed"]) == (ORDERS, 0)
    done = "order.cancelled" if kind == "cancel" else "order.paid"
    told = Counter(
        change["event"]
        for one in orders
        for change in partner.get(f"/api/orders/{one}/history")["history"]
    )
    assert told[done] == ORDERS
    if kind == "pay_requests":
        spent = sum((Decimal(str(one["amount_after_discount"])) for one in placed), Decimal(0))
        eventually(lambda: funds(partner), lambda seen: seen == 100_000 - spent)
        assert stage.admin("GET", "/api/ledger/proof")["balanced"] is True


def funds(partner: Caller) -> Decimal:
    """The partner's balance."""
    path = "/v2/accounts/partner-accounts/balances"
    accounts = partner.get(path)["account_balances"]
    [cash] = [one for one in accounts if one["account_type"] == 1]
    return Decimal(str(cash["amount"]))
