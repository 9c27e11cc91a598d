"""How vouchers are, for the console and for Prometheus; and notes that are pruned."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text

from testkit.clock import StandingClock
from testkit.door import ADMINISTRATOR
from tests.voucher.builders import (
    NOW,
    PARTNER,
    VoucherDoor,
    customer,
    hear,
    paid,
    rows_of,
    settle_in,
    unlinked,
)
from voucher.coupons.coupon_notes import CouponNote
from voucher.coupons.prune_notes import prune_notes
from voucher.watch.gauges import watch_deeds, watch_vouchers
from voucher.watch.models import Proof
from voucher.watch.prove_hourly import PROOF_SECONDS, prove_hourly

pytestmark = pytest.mark.postgres

OVERVIEW = "/api/vouchers/overview"


async def overview(door: VoucherDoor, **query: Any) -> dict[str, Any]:
    answer = await door.get(OVERVIEW, ADMINISTRATOR, query=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def gauge(name: str, **labels: str) -> float:
    found = REGISTRY.get_sample_value(f"channelbus_voucher_{name}", labels)
    assert found is not None, name
    return found


async def test_the_overview_tells_what_was_done_held_refused_and_what_runs_low(
    door: VoucherDoor, clock: StandingClock
) -> None:
    """Break: count what a coupon returned at its end as recalled; call a quota low at a tenth."""
    empty = await overview(door)
    assert (empty["deeds"], empty["refused"], empty["lowest"]) == ([], [], [])
    assert (empty["oldest_hold"], empty["proof"], empty["hours"]) == (None, None, 24)
    await settle_in(door, "c1", "c2")
    quota, low = await door.grant("100.00"), await door.grant("100.00")
    first, second = [await door.coupon(quota, "c1", 45) for _ in range(2)]  # 10.00: a tenth
    lowered = await door.coupon(low, "c2", "90.01")
    assert (await door.reserve("a1", [first], "30.00")).status_code == 200
    await hear(door.database, paid("a1", {first: "30.00"}))
    assert (await door.reserve("a2", [second], "5.00", "CS2")).status_code == 200
    assert (await door.reclaim(second)).status_code == 403  # the order CS2 holds it
    assert (await door.reserve("a3", [second], "5.00", "CS3")).status_code == 400
    await hear(door.database, unlinked("c2"))
    again = await door.coupon(low, "c1", "95.00")
    clock.now += timedelta(minutes=10)
    told = await overview(door, hours=1)
    assert [(one["deed"], one["count"], one["amount"], one["currency"])
            for one in told["deeds"]] == [
        ("issued", 4, "275.01", "CNY"), ("redeemed", 1, "30.00", "CNY"),
        ("recalled", 1, "90.01", "CNY"),
    ]  # fmt: skip
    assert [(one["code"], one["count"]) for one in told["refused"]] == [
        ("CBC.0155", 1), ("CBC.99003112", 1),
    ]  # fmt: skip
    assert all(one["message"] for one in told["refused"])
    hold = told["oldest_hold"]
    assert (hold["attempt_id"], hold["order_id"], hold["seconds"]) == ("a2", "CS2", 600)
    assert (told["quotas_low"], [one["quota_id"] for one in told["lowest"]]) == (1, [low])
    assert {first, second, lowered, again}.isdisjoint(told["lowest"][0].values())
    await watch_vouchers(door.database, clock.now)
    assert (gauge("oldest_hold_seconds"), gauge("quotas_low")) == (600, 1)
    await watch_deeds(door.database, clock.now)
    for deed, many, amount in (("issued", 4, 275.01), ("redeemed", 1, 30), ("recalled", 1, 90.01)):
        labels = {"deed": deed, "currency": "CNY"}
        assert (gauge("deeds", **labels), gauge("deeds_amount", **labels)) == (many, amount)
    assert gauge("refused", code="CBC.0155") == 1
    await watch_deeds(door.database, datetime.now(UTC) + timedelta(minutes=11))
    assert REGISTRY.get_sample_value("channelbus_voucher_refused", {"code": "CBC.0155"}) is None
    for by in (PARTNER, customer("c1")):
        assert (await door.get(OVERVIEW, by)).status_code == 403
    refused = await door.get(OVERVIEW, ADMINISTRATOR, query={"hours": 169})
    assert (refused.status_code, refused.json()["code"]) == (400, "CBC.0100")


async def test_the_ledger_is_proved_once_an_hour_and_a_difference_is_told(
    door: VoucherDoor,
) -> None:
    """Break: prove at each turn; keep that it is balanced whatever was found."""
    await settle_in(door)
    quota = await door.grant()
    await prove_hourly(door.database, NOW)
    await prove_hourly(door.database, NOW + timedelta(seconds=PROOF_SECONDS - 1))
    assert await rows_of(door.database, Proof) == 1
    assert (await overview(door))["proof"] == {
        "at": NOW.strftime("%Y-%m-%dT%H:%M:%SZ"), "balanced": True, "differences": 0,
    }  # fmt: skip
    async with door.database.transaction() as session:
        await session.execute(
            text("UPDATE quotas SET balance = balance + 0.01 WHERE id = :id"), {"id": quota}
        )
    later = NOW + timedelta(seconds=PROOF_SECONDS)
    await prove_hourly(door.database, later)
    proof = (await overview(door))["proof"]
    assert (proof["balanced"], proof["differences"]) == (False, 3)
    await watch_vouchers(door.database, later)
    assert gauge("proof_differences") == 3
    assert gauge("proof_at_seconds") == later.timestamp()
    await prove_hourly(door.database, NOW + timedelta(days=31))
    assert await rows_of(door.database, Proof) == 1  # those before are forgotten


async def test_notes_are_pruned_when_they_are_old_and_not_before(
    door: VoucherDoor, clock: StandingClock
) -> None:
    """Break: prune by the wall; leave the age out."""
    await settle_in(door)
    coupon = await door.coupon(await door.grant())
    for reason in ("freezing", "unfreezing"):
        body = {"reason": "a look"}
        answer = await door.post(f"/api/coupons/{coupon}/{reason}", body, ADMINISTRATOR)
        assert answer.status_code == 200, answer.text
        clock.now += timedelta(days=2)
    prune = prune_notes(keep_days=30)
    await prune(door.database, NOW + timedelta(days=30))
    assert await rows_of(door.database, CouponNote) == 2
    await prune(door.database, NOW + timedelta(days=31))
    assert await rows_of(door.database, CouponNote) == 1
    history = (await door.get(f"/api/coupons/{coupon}/history")).json()["history"]
    assert [one["event"] for one in history] == ["issued", "unfrozen"]
