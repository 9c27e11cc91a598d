"""Billing killed at each step of usage that a coupon pays: coupon and money agree afterwards.

To see it fail: let `close_abandoned_attempts` leave open attempts alone, or let `Shares.settle`
commit the outcome elsewhere than in the transaction of the lines.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.flows.cast import Caller, Stage, eventually
from tests.flows.deeds import create_customer, issue_coupon, issued_coupon, transfer
from tests.flows.test_killed_payments import money

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

PATH = "/api/usage-records"
IMPATIENT = {"USAGE_ABANDONED_SECONDS": "2"}  # else what a kill left open is closed when 30 s old
HOUR = Decimal("0.07")  # of the server
BY_COUPON = (HOUR, Decimal(0))


def an_hour(customer_id: str) -> dict[str, Any]:
    """A record of a server that ran for an hour until a moment ago."""
    used_until = datetime.now(UTC) - timedelta(minutes=1)
    return {
        "record_id": uuid4().hex, "customer_id": customer_id, "resource_id": "vm-1",
        "service_type_code": "hws.service.type.ec2", "resource_type_code": "hws.resource.type.vm",
        "resource_spec_code": "s6.small.1.linux", "region_code": "cn-north-4",
        "usage_value": "1", "used_until": used_until.isoformat(timespec="seconds"),
    }  # fmt: skip


def charge(stage: Stage, record: dict[str, Any]) -> tuple[Decimal, Decimal]:
    """What the coupon and what cash paid of the record."""
    (line,) = stage.admin("POST", PATH, {"records": [record]})["lines"]
    return Decimal(line["coupon_amount"]), Decimal(line["cash_amount"])


def charge_and_kill(stage: Stage, record: dict[str, Any]) -> None:
    """The charge at which billing dies, as it was started to; refused while one is still open."""
    headers = {"X-Auth-Token": stage.system.admin_token}

    def ask() -> httpx.Response:
        body = {"records": [record]}
        return httpx.post(stage.gateway + PATH, json=body, headers=headers, timeout=30)

    eventually(ask, lambda answer: answer.is_server_error)
    stage.system.wait_until_ended("billing")


def coupon_of(partner: Caller, coupon_id: str) -> tuple[Decimal, bool]:
    """What is left of it, and whether something of it is held."""
    found = issued_coupon(partner, coupon_id)
    return Decimal(str(found.balance)), found.lock_order_id not in (None, "")


@pytest.mark.timeout(240)
def test_killed_while_a_coupon_pays_usage(stage: Stage) -> None:
    partner = stage.partner()
    quota = stage.quota(partner.domain_id)
    customer = create_customer(stage, partner)
    transfer(partner, customer.id, "500.00")
    coupon = issue_coupon(partner, quota, customer.id, "5.00")
    # Until billing has heard of the coupon, cash pays.
    eventually(lambda: charge(stage, an_hour(customer.id)), lambda paid: paid == BY_COUPON)
    left = 5 - HOUR
    eventually(lambda: coupon_of(partner, coupon), lambda seen: seen == (left, False))
    cash = money(partner, customer.id)
    record = an_hour(customer.id)

    try:
        for point in ("billing.usage_attempted", "billing.usage_reserved"):
            stage.system.restart("billing", {"CRASH_AT": point, **IMPATIENT})
            charge_and_kill(stage, record)
            assert coupon_of(partner, coupon) == (left, point == "billing.usage_reserved")
        stage.system.restart("billing", IMPATIENT)
        eventually(lambda: coupon_of(partner, coupon), lambda seen: seen == (left, False))
        stage.system.restart("billing", {"CRASH_AT": "business.committed"})
        charge_and_kill(stage, record)
    finally:
        stage.system.restart("billing")

    assert charge(stage, record) == BY_COUPON
    eventually(lambda: coupon_of(partner, coupon), lambda seen: seen == (left - HOUR, False))
    assert charge(stage, an_hour(customer.id)) == BY_COUPON
    eventually(lambda: coupon_of(partner, coupon), lambda seen: seen == (left - 2 * HOUR, False))
    assert money(partner, customer.id) == cash
    assert stage.admin("GET", "/api/ledger/proof")["balanced"] is True
    assert stage.admin("GET", "/api/vouchers/proof")["balanced"] is True
