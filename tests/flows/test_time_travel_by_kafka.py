"""Time travel of a running system: real processes, the real bus, a gateway that is killed.

And an order service that stands still for a while, as by SIGSTOP.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from testkit.system import System
from tests.flows.cast import Stage, eventually
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

CLOCK = "/api/sandbox/clock"
DAYS = 8  # a day after an order's deadline
LOOKS = 50  # at a step that cannot end
EXPIRED_COUPON, CANCELLED, COMPLETED = 4, 4, 5


@pytest.mark.timeout(300)
def test_a_gateway_killed_and_an_order_frozen_in_a_step_go_on_and_all_have_the_same_time(
    make_system: Callable[..., System],
) -> None:
    """Break: end a step without looking whether the bus has settled, or begin moves anew."""
    system = make_system(environment={"SANDBOX": "true"})
    stage = Stage(system)
    partner = stage.partner()
    soon = datetime.fromisoformat(stage.admin("GET", CLOCK)["now"]) + timedelta(days=5)
    quota = stage.quota(partner.domain_id, expire_at=soon.strftime("%Y-%m-%dT%H:%M:%SZ"))
    customer = create_customer(stage, partner)
    transfer(partner, customer.id, "5000.00")
    coupon = issue_coupon(partner, quota, customer.id, "50.00")
    stage.authorize(partner, customer.caller)
    unpaid = place_order(partner, customer.id)
    paid = place_order(partner, customer.id)
    pay(customer.caller, paid["order_id"])

    system.restart("gateway", {"CRASH_AT": "clock.step_ran:2"})
    stage.admin("POST", CLOCK, {"advance_seconds": DAYS * 86_400})
    system.wait_until_ended("gateway")
    system.restart("gateway")
    told: dict[str, Any] = eventually(
        lambda: stage.admin("GET", CLOCK), lambda seen: not seen["moving"], 200
    )

    assert told["problem"] is None
    assert told["steps_done"] == len(told["steps"]) >= DAYS
    assert float(told["offset_seconds"]) == pytest.approx(DAYS * 86_400, abs=120)
    ends = {one["type"]: step["at"] for step in told["steps"] for one in step["events"]}
    assert ends["voucher.expired"] == soon.replace(microsecond=0).isoformat().replace("+00:00", "Z")
    assert "order.expired" in ends
    # At once: the keys are older than a week of business time, and the copies have heard of all.
    assert order_of(partner, unpaid["order_id"]).status == CANCELLED
    assert order_of(partner, paid["order_id"]).status == COMPLETED
    assert issued_coupon(partner, coupon).status == EXPIRED_COUPON
    page = partner.get(f"/api/customers/{customer.id}")
    assert page["vouchers"] == []
    assert {one["status"]: one["orders"] for one in page["orders"]} == {CANCELLED: 1, COMPLETED: 1}
    # All have the same time: what is made now is dated by it, wherever it is made.
    late = place_order(partner, customer.id)
    created = order_of(partner, late["order_id"]).create_time
    now = datetime.fromisoformat(stage.admin("GET", CLOCK)["now"])
    assert abs(datetime.fromisoformat(created.replace("Z", "+00:00")) - now) < timedelta(minutes=1)

    # Who stands still in a step holds it up; nobody is ahead of it, and the step is gone on with.
    with system.frozen("order"):
        stage.admin("POST", CLOCK, {"advance_seconds": DAYS * 86_400})
        for _ in range(LOOKS):
            told = stage.admin("GET", CLOCK)
            assert (told["moving"], told["steps_done"]) == (True, 0)
    told = eventually(lambda: stage.admin("GET", CLOCK), lambda seen: not seen["moving"], 200)
    assert told["problem"] is None
    assert float(told["offset_seconds"]) == pytest.approx(2 * DAYS * 86_400, abs=120)
    assert order_of(partner, late["order_id"]).status == CANCELLED
