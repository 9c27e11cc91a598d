"""A partner's month through billing and voucher: the balances afterwards are what the bill says."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from gateway.forwarding.destinations import Service
from testkit.clock import StandingClock
from testkit.databases import Templates
from testkit.door import ADMINISTRATOR
from tests.billing.builders import CUSTOMER, NOW, OTHER_CUSTOMER, PARTNER, customer, partner_joined
from tests.billing.settlement_builders import BEGIN, MONTH, add_lines, bill_line, carry_out
from tests.flows.in_process import InProcess, databases, in_process
from voucher.partner_vouchers.models import PartnerVoucher

pytestmark = pytest.mark.postgres
VOUCHERS, BOTH = "/api/partner-vouchers", (Service.VOUCHER, Service.BILLING)


@pytest.fixture
async def system(service_templates: Templates) -> AsyncIterator[InProcess]:
    """Billing and voucher, which know a partner that uses vouchers, and two customers."""
    with databases(service_templates, BOTH) as stores:
        async with in_process(stores, StandingClock(NOW), sandbox=False) as found:
            events = [
                partner_joined(coupon_mode="use_vouchers"),
                customer(),
                customer(customer_id=OTHER_CUSTOMER),
            ]
            for app in found.apps.values():
                for group in app.running.consumers.values():
                    async with app.parts.database.transaction() as session:
                        heard = [e for e in events if e.TYPE in group.contracts]
                        await group.handle(heard, session)
            yield found


async def grant(system: InProcess, amount: str, limits: dict[str, Any]) -> str:
    """A voucher, as the administrator gives it."""
    body = {
        "partner_id": PARTNER, "amount": amount, "origin": "incentive", "limits": limits,
        "effective_at": "2026-09-01T00:00:00Z", "expire_at": "2027-09-01T00:00:00Z",
    }  # fmt: skip
    answer = await system.doors[Service.VOUCHER].post(VOUCHERS, body, ADMINISTRATOR)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["voucher_id"])


async def bill(system: InProcess, **more: Any) -> dict[str, Any]:
    """Settled by billing; voucher has not heard of it."""
    door = system.doors[Service.BILLING]
    body = {"partner_id": PARTNER, "bill_cycle": MONTH, **more}
    answer = await door.post("/api/settlements", body, ADMINISTRATOR)
    assert answer.status_code == 202, answer.text
    await carry_out(system.database(Service.BILLING))
    return await shown(system, answer.json()["settlement_id"])


async def shown(system: InProcess, settlement_id: str) -> dict[str, Any]:
    door = system.doors[Service.BILLING]
    answer = await door.get(f"/api/settlements/{settlement_id}", ADMINISTRATOR)
    told: dict[str, Any] = answer.json()
    return told


async def balances(system: InProcess) -> dict[str, Decimal]:
    async with system.database(Service.VOUCHER).transaction() as session:
        found = await session.execute(select(PartnerVoucher.id, PartnerVoucher.balance))
        return {name: balance for name, balance in found}


async def test_vouchers_have_afterwards_what_the_bill_leaves_them_whenever_kafka_comes_back(
    system: InProcess,
) -> None:
    """A refund restores, a correction moves the difference. Break: settle with the copies' face
    values, or let voucher carry a bill out twice.
    """
    for_customer = await grant(system, "60.00", {"customer_ids": [CUSTOMER]})
    for_all = await grant(system, "100.00", {})
    await system.settle()
    await add_lines(
        system.database(Service.BILLING),
        bill_line("100.00", BEGIN, line_id="l1"),
        bill_line("40.00", BEGIN, line_id="l2", customer_id=OTHER_CUSTOMER),
        bill_line("-40.00", BEGIN, line_id="l3", customer_id=OTHER_CUSTOMER, bill_type=4,
                  corrects="l2", refund_case="not_effective"),
    )  # fmt: skip
    first = await bill(system)
    # Kafka is away: nothing has moved, and the bill is not published.
    assert (first["state"], first["totals"]["due_amount"]) == ("settled", "0.00")
    assert await balances(system) == {for_customer: Decimal("60.00"), for_all: Decimal("100.00")}
    await system.settle()
    assert (await shown(system, first["settlement_id"]))["state"] == "published"
    expected = {for_customer: Decimal("0.00"), for_all: Decimal("75.00")}
    assert await balances(system) == expected
    paid = {one["voucher_id"]: one for one in first["vouchers"]}
    assert (paid[for_all]["paid_amount"], paid[for_all]["restored_amount"]) == ("59.00", "34.00")
    second = await bill(system, reason="looked at again")
    await system.settle()
    assert (await shown(system, second["settlement_id"]))["state"] == "published"
    assert second["digest"] == first["digest"]
    assert await balances(system) == expected
    proof = await system.doors[Service.VOUCHER].get("/api/vouchers/proof", ADMINISTRATOR)
    assert proof.json()["balanced"], proof.text
