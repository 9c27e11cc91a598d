"""Many at once on one quota: nothing is spent twice, and each refusal was right."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from testkit.door import code_of
from tests.voucher.builders import (
    DISTRIBUTOR,
    VoucherDoor,
    associated,
    hear,
    settle_in_below,
    unlinked,
)

pytestmark = pytest.mark.postgres

CLIENTS = 16
MINE: dict[str, Any] = {"partner_id": "r1", "distributor_id": "dist"}


async def test_a_distributor_takes_a_quota_back_while_its_reseller_issues_from_it(
    door: VoucherDoor,
) -> None:
    """Break: reclaim the child without its lock. What is issued is out, the rest is the parent's,
    and then the coupons come back past the child while others are refused."""
    await settle_in_below(door)
    names = [f"k{i}" for i in range(CLIENTS)]
    await hear(door.database, *(associated(name, **MINE) for name in names))
    parent = await door.grant("1000.00", partner_id="dist")
    child = await door.child(parent, amount=100)

    async def issue(name: str) -> Any:
        below: dict[str, Any] = {"by": DISTRIBUTOR, "indirect_partner_id": "r1"}
        return await door.issue(child, [name], "7.50", **below)

    async def take_back() -> Any:
        await asyncio.sleep(0.05)
        return await door.take_back([child])

    *issued, taken = await asyncio.gather(*(issue(name) for name in names), take_back())
    assert taken.status_code == 200
    done = [one.json()["coupon_infos"] for one in issued if one.status_code == 200]
    got = [info["id"] for infos in done for info in infos]
    refused = Counter(code_of(one)[1] for one in issued if one.status_code != 200)
    for one in issued:
        if one.status_code == 200:
            codes = {error["error_code"] for error in one.json()["error_details"]}
            assert codes <= {"CBC.99000013"}
    assert set(refused) <= {"CBC.99000012"}
    assert len(got) <= 13  # so many times 7.50 are in 100.00
    left = 1000 - len(got) * 7.5
    assert [float(one) for one in await door.balances(parent, child)] == [left, 0]
    assert await door.is_balanced()
    await asyncio.gather(*(hear(door.database, unlinked(name, **MINE)) for name in got))
    assert [float(one) for one in await door.balances(parent, child)] == [1000, 0]
    proof = await door.proof()
    assert proof["balanced"], proof


async def test_hand_outs_of_one_quota_never_overdraw_it(door: VoucherDoor) -> None:
    """Each is done, refused for want of balance, or because another was under way."""
    await settle_in_below(door)
    parent = await door.grant("100.00", partner_id="dist")
    answers = await asyncio.gather(
        *(door.hand_out(parent, ["r1", "r2"][: 1 + i % 2], 15) for i in range(CLIENTS))
    )
    told = Counter(code_of(one)[1] if one.is_error else "done" for one in answers)
    assert set(told) <= {"done", "CBC.50000045", "CBC.99000013"}
    assert told["done"] >= 1
    given = 15 * sum(
        len(one.json()["simple_quota_infos"]) for one in answers if not one.is_error
    )  # fmt: skip
    assert [float(one) for one in await door.balances(parent)] == [100 - given]
    assert await door.is_balanced()


async def test_issues_below_and_hand_outs_above_leave_each_other_alone(door: VoucherDoor) -> None:
    """Coupons come back past reclaimed children of one parent while it hands out and is issued
    from: locks are taken in one order, so nobody waits in a circle."""
    await settle_in_below(door)
    own = [f"d{i}" for i in range(4)]
    below = [f"k{i}" for i in range(CLIENTS // 2)]
    of_dist = [associated(name, partner_id="dist") for name in own]
    await hear(door.database, *of_dist, *(associated(name, **MINE) for name in below))
    parent = await door.grant("1000.00", partner_id="dist")
    children = [await door.child(parent, amount=20) for _ in below]
    told: dict[str, Any] = {"by": DISTRIBUTOR, "indirect_partner_id": "r1"}
    for child, name in zip(children, below, strict=True):
        await door.coupon(child, name, 20, **told)

    async def expect(work: Any, *codes: str) -> None:
        answer = await work
        assert not answer.is_error or code_of(answer)[1] in codes, answer.text

    await asyncio.gather(
        *(expect(door.take_back([child])) for child in children),
        *(expect(door.issue(parent, [name], 5, by=DISTRIBUTOR)) for name in own),
        *(expect(door.hand_out(parent, ["r2"], 5), "CBC.50000045") for _ in range(3)),
        *(hear(door.database, unlinked(name, **MINE)) for name in below),
    )
    assert all(balance == "0.00" for balance in await door.balances(*children))
    proof = await door.proof()
    assert proof["balanced"], proof
