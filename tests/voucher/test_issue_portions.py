"""Items of issues in bulk that go together: what spoils a portion (decision 0184)."""

from datetime import timedelta
from typing import Any

import pytest

from testkit.clock import StandingClock
from tests.voucher.builders import VoucherDoor, settle_in
from tests.voucher.test_coupon_issues import item, items_of, progress, run, start
from voucher.coupon_issues import run_issues as running
from voucher.coupons.facts import voucher_issued

pytestmark = pytest.mark.postgres


async def test_what_nobody_foresaw_of_one_item_spoils_no_other(
    door: VoucherDoor, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Break: note the failure of a portion's first item alone; take a tried item in a portion."""
    await settle_in(door, "c1", "c2", "c3")
    quota_id = await door.grant("100.00")

    def fail_for_c2(coupon: Any, *given: Any) -> Any:
        if coupon.customer_id == "c2":
            raise RuntimeError
        return voucher_issued(coupon, *given)

    monkeypatch.setattr(running, "voucher_issued", fail_for_c2)
    monkeypatch.setattr(running.Issues, "tries_max", 1)
    # Another worker could take one between the rollback and the note of it.
    monkeypatch.setattr(running.Issues, "items_at_once", 1)
    job_id = await start(door, quota_id, [item("c1"), item("c2"), item("c3")])
    await run(door, clock)
    assert await progress(door, job_id) == ("running", 0, 0, 3)
    assert await door.balances(quota_id) == ["100.00"]
    clock.now += timedelta(seconds=1)
    await run(door, clock)
    assert await progress(door, job_id) == ("done", 2, 1, 0)
    assert [one["code"] for one in await items_of(door, job_id)] == [None, "CBC.0999", None]
    assert await door.balances(quota_id) == ["80.00"]
    assert await door.is_balanced()
