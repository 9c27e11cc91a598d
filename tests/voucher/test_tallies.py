"""What lists say there is, is what they show: kept by triggers and summed up by a schedule."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from chassis.database import Database
from testkit.clock import StandingClock
from tests.voucher.builders import (
    DISTRIBUTOR,
    ISSUE,
    LATER,
    NOW,
    OTHER,
    PARTNER,
    RECORDS,
    RESELLER,
    VoucherDoor,
    hear,
    paid,
    settle_in,
    settle_in_below,
    wire,
)
from voucher.coupons.expire_coupons import expire_coupons
from voucher.tallies import keep_tallies
from voucher.tallies.keep_tallies import FILL_TALLIES, merge_tallies

pytestmark = pytest.mark.postgres

_CELL = "partner_id, distributor_id, counted, status, made_on, gone_on"
_KEPT = text(f"""
    SELECT {_CELL}, sum(number)::int FROM (
        SELECT * FROM tallies
        UNION ALL SELECT {_CELL}, by FROM tally_changes
    ) kept GROUP BY {_CELL} HAVING sum(number) <> 0 ORDER BY {_CELL}
""")
_ANEW = text(
    f"SELECT {_CELL}, n::int FROM ({FILL_TALLIES[FILL_TALLIES.index('SELECT') :]})"
    f" a ({_CELL}, n) ORDER BY {_CELL}"
)
_COUPON_FILTERS = ["", *(f"status={status}" for status in (1, 2, 3, 4, 5))]


async def kept(database: Database) -> list[Any]:
    """What the tallies say; and the tables, counted anew, say the same."""
    async with database.transaction() as session:
        found = [tuple(row) for row in await session.execute(_KEPT)]
        anew = [tuple(row) for row in await session.execute(_ANEW)]
    assert found == anew
    return found


async def live(door: VoucherDoor, clock: StandingClock) -> None:
    """Coupons of three days in each state, and records of what was done and refused."""
    await settle_in(door, "c1", "c2", "c3")
    quota_id = await door.grant(expire_at=wire(LATER))
    used = await door.coupon(quota_id, "c1", "1.00")
    await door.reserve("a1", [used], "1.00")
    await hear(door.database, paid("a1", {used: "1.00"}))
    ending = NOW + timedelta(days=1, hours=3)
    await door.issue(quota_id, ["c1", "c2", "nobody"], 2, expire_time=wire(ending))
    clock.forward(hours=13)  # another day (UTC)
    await door.reclaim(await door.coupon(quota_id, "c2"))
    await door.issue(quota_id, ["c1", "c2", "c3"], 3)
    clock.forward(days=1)  # past the ending of two
    await door.coupon(quota_id, "c3", 4)


async def say_what_they_show(door: VoucherDoor, *paths: str) -> list[int]:
    """The counts of the lists, each of which is that of its rows."""
    counts = []
    for path in paths:
        answer = await door.get(path)
        assert answer.status_code == 200, (path, answer.text)
        found = answer.json()
        rows = found["records"] if path.startswith(RECORDS) else found["user_coupons"]
        assert found["total_count"] == len(rows), path
        counts.append(len(rows))
    return counts


def asking(path: str, *filters: str) -> str:
    """With all rows on one page."""
    return f"{path}?{'&'.join([*(one for one in filters if one), 'limit=100'])}"


def made_between() -> list[str]:
    """Filters by creation: within days, at their ends, over them, and of the last year of all."""
    hours = (-5, 0, 1, 12, 13, 14, 37, 40)
    ends = [wire(NOW + timedelta(hours=hour)) for hour in hours]
    pairs = [
        (begin, end) for begin in (None, *ends) for end in (None, *ends)
        if begin is None or end is None or begin < end
    ]  # fmt: skip
    bounds = [*pairs[::3], (wire(NOW - timedelta(days=1)), "9999-12-31T23:59:59Z")]
    return [
        "&".join(
            f"{name}={at}" for name, at in zip(("{0}_begin", "{0}_end"), pair, strict=True) if at
        )
        for pair in bounds
    ]


async def test_lists_count_what_they_show_in_every_state_and_time(
    door: VoucherDoor, clock: StandingClock
) -> None:
    """Break: leave the edges of days out of `count_listed`."""
    await live(door, clock)
    times = made_between()
    created = [one.format("create_time") for one in times]
    coupons = [
        asking(ISSUE, status, of)
        for status in _COUPON_FILTERS for of in ("", *created[:: 2 if not status else 5])
    ]  # fmt: skip
    records = [
        asking(RECORDS, result, one.format("operation_time"))
        for result in ("", "result=0", "result=-1", "result=7") for one in times[::2]
    ]  # fmt: skip
    await kept(door.database)
    before = await say_what_they_show(door, *coupons, *records)
    states = [asking(ISSUE, f"status={status}") for status in (2, 3, 4, 5)]
    assert await say_what_they_show(door, *states) == [4, 1, 2, 1]
    await expire_coupons(door.database, clock.now)
    await merge_tallies(door.database, NOW)
    assert await say_what_they_show(door, *coupons[:9]) == before[:9]
    for clock_days in (364, 1, 1, 200):  # ended ones leave the list, one after the other
        clock.forward(days=clock_days)
        await say_what_they_show(door, *coupons[::3])
    assert await say_what_they_show(door, asking(ISSUE)) < [before[0]]


async def test_what_was_appended_is_summed_up_once(
    door: VoucherDoor, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keep_tallies, "_ROWS_MAX", 3)
    await live(door, clock)
    there = await kept(door.database)
    assert {row[2] for row in there} == {"coupon", "record"}
    await asyncio.gather(*(merge_tallies(door.database, NOW) for _ in range(3)))
    assert await kept(door.database) == there
    async with door.database.transaction() as session:
        assert await session.scalar(text("SELECT count(*) FROM tally_changes")) == 0
        assert not await session.scalar(text("SELECT count(*) FROM tallies WHERE number = 0"))
        for table in ("coupon_records", "postings", "movements", "reservations", "coupons"):
            await session.execute(text(f"DELETE FROM {table}"))
    assert await kept(door.database) == []


async def test_counts_are_of_ones_own_and_ones_resellers(door: VoucherDoor) -> None:
    """Break: tallies without a policy."""
    await settle_in_below(door)
    quota_id = await door.grant(partner_id="dist")
    child = await door.child(quota_id)
    more = {"indirect_partner_id": "r1"}
    assert (await door.issue(child, ["c1", "c2"], 1, DISTRIBUTOR, **more)).status_code == 200
    asked = f"{ISSUE}?indirect_partner_id=r1"
    assert (await door.get(asked, DISTRIBUTOR)).json()["total_count"] == 2
    assert (await door.get(ISSUE, OTHER)).json()["total_count"] == 0
    assert (await door.get(ISSUE, PARTNER)).json()["total_count"] == 0
    await merge_tallies(door.database, NOW)
    for who, count in ((DISTRIBUTOR, 1), (RESELLER, 1), (OTHER, 0)):
        async with door.database.transaction_as(who) as session:
            seen = text("SELECT count(*) FROM tallies WHERE counted = 'coupon'")
            assert await session.scalar(seen) == count
