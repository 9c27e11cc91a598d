"""An association that ends while coupons are issued or reserved leaves none to an ex-customer."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from sqlalchemy import select, text

from chassis.database import Database
from contracts.customer import CustomerEvent
from tests.voucher.builders import (
    VoucherDoor,
    associated,
    hear,
    settle_in,
    switched,
    unlinked,
)
from voucher.copies import Customer
from voucher.coupons.models import RECLAIMED, USABLE, Coupon
from voucher.quotas.models import Quota

pytestmark = pytest.mark.postgres

ORPHAN = "a coupon is usable by who is no resale customer of its partner"
WAITING = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND wait_event_type = 'Lock'"
)


async def somebody_waits(database: Database, waiting: int = 1) -> None:
    """Until so many sessions of the database wait for a lock."""
    async with asyncio.timeout(30):
        while True:
            async with database.transaction() as session:
                if (await session.scalar(WAITING) or 0) >= waiting:
                    return
            await asyncio.sleep(0.01)


def begin(work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """Run it beside the test."""
    return asyncio.get_running_loop().create_task(work)


@pytest.mark.parametrize("ends", [unlinked, switched])
async def test_a_coupon_issued_while_its_customer_leaves_is_taken_back(
    door: VoucherDoor, ends: Any
) -> None:
    """The issue waits for its quota, having seen the customer; the end must wait for the issue."""
    await settle_in(door)
    quota = await door.grant()
    async with door.database.transaction() as session:
        await session.get_one(Quota, quota, with_for_update=True)
        issue = begin(door.issue(quota, ["c1"]))
        await somebody_waits(door.database)
        end = begin(hear(door.database, ends("c1")))
        await somebody_waits(door.database, 2)
    answer = await issue
    await end
    assert answer.status_code == 200, answer.text
    coupon = await door.held(answer.json()["coupon_infos"][0]["coupon_id"])
    assert (coupon.status, str(coupon.balance)) == (RECLAIMED, "0.00")
    assert await door.is_balanced()
    assert (await door.quota(quota)).balance == 1000


async def test_an_issue_that_comes_behind_the_end_is_refused(door: VoucherDoor) -> None:
    await settle_in(door)
    quota = await door.grant()
    async with door.database.transaction() as session:
        await session.get_one(Customer, "c1", with_for_update=True)
        issue = begin(door.issue(quota, ["c1"]))
        await somebody_waits(door.database)
        await session.execute(text("UPDATE customers SET association_status = 'unlinked'"))
    assert (await issue).json()["error_details"][0]["error_code"] == "CBC.99000035"
    assert await door.is_balanced()


async def test_many_ends_against_many_issues_leave_nothing_to_nobody(door: VoucherDoor) -> None:
    names = [f"c{number}" for number in range(12)]
    await settle_in(door, *names)
    quota = await door.grant("100000.00")
    facts: list[CustomerEvent] = [unlinked(name) for name in names]
    await asyncio.gather(
        *(door.issue(quota, names[start:] + names[:start]) for start in range(4)),
        *(hear(door.database, fact) for fact in facts),
    )
    async with door.database.transaction() as session:
        left = await session.scalars(select(Coupon).where(Coupon.status == USABLE))
        assert [(coupon.id, coupon.customer_id) for coupon in left] == []
    assert await door.is_balanced()
    assert (await door.quota(quota)).balance == 100000


async def test_a_coupon_that_was_left_behind_pays_nothing_and_is_found_by_the_proof(
    door: VoucherDoor,
) -> None:
    """As the releases before left them: usable, and its customer is nobody's or another's."""
    await settle_in(door)
    coupon = await door.coupon(await door.grant())
    for left in ("association_status = 'unlinked'", "partner_id = 'other'"):
        async with door.database.transaction() as session:
            await session.execute(text(f"UPDATE customers SET {left}"))
        refused = await door.reserve("a1", [coupon])
        assert (refused.status_code, refused.json()["code"]) == (400, "CBC.99003112")
        proof = await door.proof()
        assert not proof["balanced"]
        assert [(d["rule"], d["id"]) for d in proof["differences"]] == [(ORPHAN, coupon)]
        async with door.database.transaction() as session:
            await session.execute(
                text("UPDATE customers SET association_status = 'associated', partner_id = 'sp'")
            )
    await hear(door.database, associated("c1", version=3))
    assert await door.is_balanced()
    assert (await door.reserve("a1", [coupon])).status_code == 200
