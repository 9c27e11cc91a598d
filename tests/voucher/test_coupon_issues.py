"""POST /api/coupon-issues: many coupons, each once, by the rules of a single issue."""

import asyncio
import signal
import sys
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select

from chassis.business_clock import BusinessClock
from chassis.identity import Principal
from testkit import audit, outbox
from testkit.clock import StandingClock
from testkit.databases import ServiceDatabase
from testkit.door import ADMINISTRATOR
from tests.voucher.builders import (
    DISTRIBUTOR,
    ISSUE,
    LATER,
    NOW,
    OTHER,
    PARTNER,
    VoucherDoor,
    hear,
    joined,
    rows_of,
    settle_in,
    settle_in_below,
    wire,
)
from voucher.coupon_issues import run_issues as running
from voucher.coupon_issues.forget_issues import forget_issues
from voucher.coupon_issues.models import CouponIssue, CouponIssueItem
from voucher.coupons.models import Coupon
from voucher.coupons.write_issue import write_issue

pytestmark = pytest.mark.postgres

ISSUES = "/api/coupon-issues"
Json = dict[str, Any]


def item(customer_id: str, face_value: Any = "10.00", **more: Any) -> Json:
    return {"customer_id": customer_id, "face_value": face_value, **more}


async def start(
    door: VoucherDoor, quota_id: str, items: list[Json], by: Principal = PARTNER, **more: Any
) -> str:
    answer = await door.post(ISSUES, {"quota_id": quota_id, "items": items, **more}, by)
    assert answer.status_code == 202, answer.text
    job: Json = answer.json()
    assert answer.headers["location"] == f"{ISSUES}/{job['job_id']}"
    assert (job["status"], job["waiting"], job["total"]) == ("running", len(items), len(items))
    return str(job["job_id"])


async def run(door: VoucherDoor, clock: StandingClock) -> int:
    """Once what was done before the job has been heard."""
    clock.now = max(clock.now, NOW + timedelta(seconds=2))
    return await running.Issues(door.database, BusinessClock(clock, None).now).run()


async def shown(door: VoucherDoor, job_id: str, by: Principal = PARTNER) -> Json:
    answer = await door.get(f"{ISSUES}/{job_id}", by)
    assert answer.status_code == 200, answer.text
    job: Json = answer.json()
    assert job["total"] == job["succeeded"] + job["failed"] + job["waiting"]
    assert job["failed"] == sum(one["count"] for one in job["refused"])
    return job


async def progress(door: VoucherDoor, job_id: str, by: Principal = PARTNER) -> tuple[Any, ...]:
    job = await shown(door, job_id, by)
    return job["status"], job["succeeded"], job["failed"], job["waiting"]


async def items_of(door: VoucherDoor, job_id: str, **query: Any) -> list[Json]:
    answer = await door.get(f"{ISSUES}/{job_id}/items", query=query)
    assert answer.status_code == 200, answer.text
    found: list[Json] = answer.json()["items"]
    return found


# What is asked, and the code of its refusal: 70.00 are there, for purchases that are new.
TOLD: list[tuple[Json, str | None]] = [
    (item("c1", "60.00", memo="thanks", expire_at=wire(LATER)), None),
    (item("nobody"), "CBC.99000035"),
    (item("c2", "20.00"), "CBC.99000013"),
    (item("c2", "1.00"), "CBC.99000018"),
    (item("sp"), "CBC.99000025"),
    (item("c2", expire_at=wire(NOW - timedelta(hours=1))), "CBC.0100"),
    (item("c2", expire_at=wire(LATER + timedelta(days=1))), "CBC.99000017"),
    (item("c2", product_ids=["p9"]), "CBC.99000023"),
    (item("c2", subscribe_types=["renew"]), "CBC.99000024"),
    (item("c2", subscribe_types=["new"]), None),
]
LIMITS: Json = {"face_value_min": "2.00", "product_ids": ["p1"], "subscribe_types": ["new"]}


async def test_each_item_has_its_outcome_as_the_wire_would_answer_it(
    door: VoucherDoor, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten of them in one transaction, of which eight spoil nothing.

    Break: leave out the purchase types; take the items by another rule than the wire's.
    """
    await settle_in(door, "c1", "c2")
    quota_id = await door.grant("70.00", limits=LIMITS)
    job_id = await start(door, quota_id, [asked for asked, _ in TOLD])
    assert await running.Issues(door.database, BusinessClock(clock, None).now).run() == 0
    monkeypatch.setattr(
        running.Issues, "items_at_once", 1
    )  # in their order: 60.00 leave too little
    assert await run(door, clock) == len(TOLD)
    assert await progress(door, job_id) == ("done", 2, 8, 0)
    found = await items_of(door, job_id)
    assert [(one["position"], one["code"]) for one in found] == [
        (number, code) for number, (_, code) in enumerate(TOLD, 1)
    ]
    assert found[8]["code"] == "CBC.99000024"  # which nothing of the vendor's own can provoke
    assert found[4]["message"]
    assert found[4]["coupon_id"] is None
    coupon = await door.held(found[0]["coupon_id"])
    assert (coupon.customer_id, coupon.face_value, coupon.memo) == ("c1", Decimal(60), "thanks")
    assert (await door.held(found[9]["coupon_id"])).limits["subscribe_types"] == ["new"]
    assert await door.balances(quota_id) == ["0.00"]
    assert await door.is_balanced()
    deeds = Counter(deed for deed, _ in await audit.deeds(door.database))
    assert (deeds["coupon_issue.start"], deeds["coupon.issue"]) == (1, 1)
    assert [one["position"] for one in await items_of(door, job_id, state="failed", limit=2)] == [
        2,
        3,
    ]

    single = await door.grant("10.00", limits=LIMITS)
    for asked, code in TOLD[2:8]:
        body: Json = {
            "quota_id": single,
            "customer_ids": [asked["customer_id"]],
            "face_value": asked["face_value"],
            "expire_time": asked.get("expire_at"),
            "product_ids": asked.get("product_ids", []),
        }
        answer = (await door.post(ISSUE, body)).json()
        refusals = [answer, *answer.get("error_details", [])]
        assert code in [one.get("error_code") for one in refusals], asked


async def test_a_preview_says_what_the_job_then_does_and_writes_nothing(
    door: VoucherDoor, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Break: let what is taken in a preview be flushed, or count no coupon of the preview."""
    await settle_in(door, "c1", "c2")
    limits = {"coupons_max": 5, "total_per_customer_max": "25.00"}
    quota_id = await door.grant("100.00", limits=limits)
    await door.coupon(quota_id, "c1", 10)
    items = [item("c1"), item("c1"), item("c2"), item("c2", "20.00"), item("c2", "5.00"),
             item("c2", "5.00"), item("c1", "1.00"), item("no"), item("c1", "0.01")]  # fmt: skip
    told = await audit.deeds(door.database)
    body = {"quota_id": quota_id, "items": items}
    answer = await door.post(ISSUES, body | {"preview": True})
    preview = answer.json()
    assert (answer.status_code, preview["status"], preview["job_id"]) == (202, "preview", None)
    assert await door.balances(quota_id) == ["90.00"]
    assert [await rows_of(door.database, table) for table in (CouponIssue, Coupon)] == [0, 1]
    assert await audit.deeds(door.database) == told

    job_id = await start(door, quota_id, items)
    monkeypatch.setattr(
        running.Issues, "items_at_once", 1
    )  # in their order, as the preview sees them
    await run(door, clock)
    done = await shown(door, job_id)
    for name in ("total", "succeeded", "failed", "refused", "quota_id", "currency"):
        assert done[name] == preview[name], name
    assert {one["code"]: one["count"] for one in done["refused"]} == {
        "CBC.99000020": 2, "CBC.99000021": 2, "CBC.99000035": 1,
    }  # fmt: skip
    assert await door.balances(quota_id) == [preview["quota_balance"]] == ["60.00"]


KILLED = """
import asyncio, sys
from datetime import datetime
from testkit.keys import INTERNAL_KEYS
from voucher.app import build
from voucher.settings import VoucherSettings
from voucher.coupon_issues.run_issues import Issues

async def main(url, prefix, now):
    settings = VoucherSettings(
        database_url=url, database_prefix=prefix, kafka_bootstrap_servers="127.0.0.1:1",
        bus_enabled=False, internal_keys=INTERNAL_KEYS, crash_at="voucher.item_done:5",
    )
    Issues.items_together = 3
    async def clock():
        return datetime.fromisoformat(now)
    await Issues(build(settings).parts.database, clock).run()

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_kill_loses_no_item_and_two_replicas_issue_each_coupon_once(
    door: VoucherDoor, clock: StandingClock, service_store: ServiceDatabase
) -> None:
    """Break: take the item without a lock; commit the coupon before the item's outcome."""
    await settle_in(door, "c1")
    quota_id = await door.grant("190.00")
    job_id = await start(door, quota_id, [item("c1") for _ in range(20)])
    later = (NOW + timedelta(seconds=2)).isoformat()
    killed = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, service_store.server_url, service_store.prefix, later
    )
    assert await killed.wait() == -signal.SIGKILL
    status, succeeded, failed, waiting = await progress(door, job_id)
    assert (status, failed, succeeded + waiting) == ("running", 0, 20)
    assert succeeded in (9, 12)  # whole portions, and none of the one that was under way
    for _ in range(20):  # the server lets go of what the dead process held when it hears of it
        await asyncio.gather(run(door, clock), run(door, clock), run(door, clock))
        if (await progress(door, job_id))[0] == "done":
            break
    assert await progress(door, job_id) == ("done", 19, 1, 0)
    ids = [one["coupon_id"] for one in await items_of(door, job_id, state="succeeded")]
    stated = [body["coupon_id"] for body in await outbox.bodies(door.database, "voucher.issued")]
    assert sorted(ids) == sorted(stated)
    assert len(set(ids)) == await rows_of(door.database, Coupon) == 19
    assert await door.is_balanced()


async def test_a_stopped_job_begins_no_further_item_and_is_its_partners_alone(
    door: VoucherDoor, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Break: take the items that wait, whether their job still runs or not."""
    await settle_in(door)
    await hear(door.database, joined("other"))
    quota_id = await door.grant()
    job_id = await start(door, quota_id, [item("c1")] * 3)
    for method, what in (("GET", ""), ("GET", "/items"), ("POST", "/stop")):
        answer = await door.send(method, f"{ISSUES}/{job_id}{what}", None, OTHER)
        assert (answer.status_code, answer.json()["code"]) == (404, "CHB.0404")
    for by in (PARTNER, ADMINISTRATOR):
        stopped = await door.post(f"{ISSUES}/{job_id}/stop", None, by)
        assert (stopped.status_code, stopped.json()["status"]) == (200, "stopped")
    assert await run(door, clock) == 0
    assert await progress(door, job_id, ADMINISTRATOR) == ("stopped", 0, 0, 3)
    ended = await start(door, quota_id, [item("c1")] * 3)

    async def stop_and_write(*given: Any) -> None:
        await door.post(f"{ISSUES}/{ended}/stop")
        await write_issue(*given)

    clock.now += timedelta(seconds=2)
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(running.Issues, "items_at_once", 1)
        meanwhile.setattr(running.Issues, "items_together", 2)
        meanwhile.setattr(running, "write_issue", stop_and_write)
        await run(door, clock)
    assert await progress(door, ended) == ("stopped", 2, 0, 1)
    ended = await start(door, quota_id, [item("c1")])
    clock.now += timedelta(seconds=2)
    await run(door, clock)
    late = await door.post(f"{ISSUES}/{ended}/stop")
    assert (late.status_code, late.json()["code"]) == (409, "CHB.0409")
    clock.now += timedelta(days=91)
    await forget_issues(door.database, clock.now)
    assert (await door.get(f"{ISSUES}/{ended}")).status_code == 404
    assert await rows_of(door.database, CouponIssueItem) == 0
    assert await rows_of(door.database, Coupon) == 3


async def test_a_distributor_issues_for_its_reseller(
    door: VoucherDoor, clock: StandingClock
) -> None:
    """Break: do the items in the reseller's name."""
    await settle_in_below(door)
    child = await door.child(await door.grant(partner_id="dist"), "r1", 30)
    items = [item("c1"), item("c3"), item("c2")]
    body = {"quota_id": child, "indirect_partner_id": "r1", "items": items, "preview": True}
    assert (await door.post(ISSUES, body, DISTRIBUTOR)).json()["quota_balance"] == "10.00"
    job_id = await start(door, child, items, DISTRIBUTOR, indirect_partner_id="r1")
    await run(door, clock)
    job = await shown(door, job_id, DISTRIBUTOR)
    assert [one["code"] for one in job["refused"]] == ["CBC.99000035"]
    assert (job["succeeded"], await door.balances(child)) == (2, ["10.00"])


async def test_what_no_job_can_be_is_refused_whole(door: VoucherDoor) -> None:
    await settle_in(door)
    await hear(door.database, joined("other"))
    quota_id = await door.grant()
    theirs = await door.grant(partner_id="other")
    for body, code in (
        ({"quota_id": theirs, "items": [item("c1")]}, "CBC.99000012"),
        ({"quota_id": theirs, "items": [item("c1")], "preview": True}, "CBC.99000012"),
        ({"items": []}, "CBC.0100"),
        ({"items": [item("c1"), item("c1", "1.001")]}, "CBC.0100"),
        ({"items": [item("c1", True)]}, "CBC.0100"),
        ({"items": [item("c1", currency="USD")]}, "CBC.0100"),
        ({"items": [item("c1", label="x")]}, "CBC.0100"),
        ({"items": [item("c1", subscribe_types=["gift"])]}, "CBC.0101"),
        ({"items": [item("c1")] * 50_001}, "CBC.0100"),
    ):
        answer = await door.post(ISSUES, {"quota_id": quota_id} | body)
        assert (answer.status_code, answer.json()["code"]) == (400, code), body
    one = {"quota_id": quota_id, "items": [item("c1")]}
    answers = await asyncio.gather(*(door.post(ISSUES, one) for _ in range(12)))
    assert Counter(answer.status_code for answer in answers) == {202: 10, 409: 2}
    assert await rows_of(door.database, CouponIssue) == 10


async def test_a_large_job_is_kept_whole_and_what_nobody_foresaw_fails_in_the_end(
    door: VoucherDoor, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Break: number the items of each portion anew; bound the body as that of any other list."""
    await settle_in(door)
    quota_id = await door.grant()
    job_id = await start(door, quota_id, [item("c1", "0.01", memo="m" * 512)] * 2_000)
    async with door.database.transaction() as session:
        ends = func.min(CouponIssueItem.position), func.max(CouponIssueItem.position)
        assert tuple((await session.execute(select(*ends))).one()) == (1, 2_000)
    assert (await door.post(f"{ISSUES}/{job_id}/stop")).status_code == 200

    async def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(running, "write_issue", fail)
    monkeypatch.setattr(running.Issues, "tries_max", 1)
    job_id = await start(door, quota_id, [item("c1")])
    await run(door, clock)
    assert await progress(door, job_id) == ("running", 0, 0, 1)
    assert await run(door, clock) == 0  # not before its pause is over
    clock.now += timedelta(seconds=1)
    await run(door, clock)
    assert [one["code"] for one in await items_of(door, job_id)] == ["CBC.0999"]


HEAD = "customer_id,face_value,memo,product_ids,expire_at"


def a_csv(*rows: str, head: str = HEAD) -> Json:
    return {"csv": "\n".join((head, *rows)) + "\n"}


async def test_a_csv_is_read_as_items_and_a_broken_row_is_named(
    door: VoucherDoor, clock: StandingClock
) -> None:
    """Break: number the rows of each portion anew; pass a broken row over without a word."""
    await settle_in(door, "c1", "c2")
    quota_id = await door.grant("5000.00")
    good = "c1,0.01,,,"
    rows = [good] * 39_999 + ['c2,1.001,"a, memo",,'] + [good]
    body = {"quota_id": quota_id} | a_csv(*rows)
    refused = await door.post(ISSUES, body)
    assert (refused.status_code, refused.json()["code"]) == (400, "CBC.0100")
    assert "row 40000: face_value" in refused.json()["refusal_detail"]
    assert await rows_of(door.database, CouponIssueItem) == 0
    body |= a_csv(*rows[-1001:])
    preview = (await door.post(ISSUES, body | {"preview": True, "broken_rows": "skip"})).json()
    assert (preview["succeeded"], preview["failed"], preview["total"]) == (1000, 1, 1001)

    few = [f'c1,10,"a, memo",p1;p2,{wire(LATER)}', "c2,,,,", "c1,5.00", ",7,,,", "c2,8.5,,,"]
    answer = await door.post(ISSUES, {"quota_id": quota_id, "broken_rows": "skip"} | a_csv(*few))
    job = answer.json()
    assert (answer.status_code, job["waiting"], job["failed"]) == (202, 2, 3)
    await run(door, clock)
    assert await progress(door, job["job_id"]) == ("done", 2, 3, 0)
    lines = await items_of(door, job["job_id"])
    assert [(one["state"], one["customer_id"], one["face_value"]) for one in lines] == [
        ("succeeded", "c1", "10.00"), ("failed", "c2", None), ("failed", "c1", None),
        ("failed", None, None), ("succeeded", "c2", "8.50"),
    ]  # fmt: skip
    assert "row 2: face_value" in lines[1]["message"]
    coupon = await door.held(lines[0]["coupon_id"])
    assert (coupon.memo, coupon.limits["product_ids"]) == ("a, memo", ["p1", "p2"])
    for csv, detail in (
        (a_csv(good, head="customer_id,face_value,colour,product_ids,expire_at"), "colour"),
        (a_csv("c1", head="customer_id"), "face_value"),
        (a_csv("c1,1,c1", head="customer_id,face_value,customer_id"), "twice"),
        (a_csv(), "empty"),
        (a_csv('c1,"1'), "csv"),
        (a_csv(good) | {"items": [item("c1")]}, "items"),
        ({}, "items"),
    ):
        answer = await door.post(ISSUES, {"quota_id": quota_id, "broken_rows": "skip"} | csv)
        assert (answer.status_code, answer.json()["code"]) == (400, "CBC.0100"), csv
        assert detail in answer.json()["refusal_detail"], answer.text
