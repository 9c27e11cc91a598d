"""POST /api/order-jobs: many deeds, each once, whatever dies or is asked twice meanwhile."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from chassis import job_turns as running
from chassis.business_clock import BusinessClock
from chassis.database import Database
from chassis.identity import Principal
from chassis.parts import ServiceApp
from order.copies import Authorization
from order.jobs.forget_jobs import forget_jobs
from order.jobs.models import JobItem, OrderJob
from order.jobs.run_jobs import run_jobs
from order.parts import OrderParts
from testkit import audit, outbox
from testkit.clock import StandingClock
from testkit.door import ADMINISTRATOR, Door
from tests.order.builders import (
    OTHER_PARTNER,
    PAY,
    customer_principal,
    keep_customer,
    keep_partner,
    line,
    payment,
    place,
)
from tests.order.builders import PARTNER as WITHOUT_ITEMS
from tests.order.peer_double import Content, PeerDouble

pytestmark = pytest.mark.postgres

JOBS, HOLD = "/api/order-jobs", "/internal/holds"
Json = dict[str, Any]
App = ServiceApp[OrderParts]
PARTNER = replace(WITHOUT_ITEMS, permissions=frozenset({"CHB_ITEM_ORDERS", "CHB_ITEM_FUNDS"}))


@pytest.fixture(autouse=True)
async def partner(database: Database) -> None:
    await keep_partner(database)


async def start(door: Door, kind: str, items: list[Json], by: Principal = PARTNER) -> str:
    answer = await door.post(JOBS, {"kind": kind, "items": items}, by)
    assert answer.status_code == 202, answer.text
    job: Json = answer.json()
    assert answer.headers["location"] == f"{JOBS}/{job['job_id']}"
    assert (job["status"], job["waiting"], job["total"]) == ("running", len(items), len(items))
    return str(job["job_id"])


async def run(app: App, clock: StandingClock) -> int:
    return await run_jobs(app.parts.database, app.parts.peers, BusinessClock(clock, None).now)


async def progress(door: Door, job_id: str, by: Principal = PARTNER) -> tuple[Any, ...]:
    answer = await door.get(f"{JOBS}/{job_id}", by)
    assert answer.status_code == 200, answer.text
    job = answer.json()
    assert job["total"] == job["succeeded"] + job["failed"] + job["waiting"]
    return job["status"], job["succeeded"], job["failed"], job["waiting"]


async def items_of(door: Door, job_id: str) -> list[Json]:
    answer = await door.get(f"{JOBS}/{job_id}/items", PARTNER, query={"limit": 1000})
    found: list[Json] = answer.json()["items"]
    return found


async def pending(door: Door, customer: str, count: int) -> list[str]:
    return [(await place(door, customer))["order_id"] for _ in range(count)]


async def test_each_item_is_done_by_its_own_and_tells_its_order_or_its_code(
    app: App, door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    orders = await pending(door, customer, 3)
    assert (await door.post(PAY, payment(orders[1]), customer_principal(customer))).is_success
    unknown = orders[0][:-6] + "000000"
    named = [{"order_id": one} for one in (orders[0].lower(), orders[1], unknown, orders[2])]
    job_id = await start(door, "cancel", named)
    assert await run(app, clock) == 4
    assert await progress(door, job_id) == ("done", 2, 2, 0)
    shown = await items_of(door, job_id)
    assert [(one["position"], one["state"], one["order_id"], one["code"]) for one in shown] == [
        (1, "succeeded", orders[0], None),
        (2, "failed", None, "CBC.99005010"),
        (3, "failed", None, "CBC.30000010"),
        (4, "succeeded", orders[2], None),
    ]
    assert shown[1]["message"].startswith("The order cannot be cancelled.")
    assert (await outbox.types(database))[-2:] == ["order.cancelled"] * 2
    deeds = [deed for deed, _ in await audit.deeds(database)]
    assert deeds[-3:] == ["order_job.start", "order.cancel", "order.cancel"]
    history = (await door.get(f"/api/orders/{orders[0]}/history", PARTNER)).json()["history"]
    assert (history[-1]["event"], history[-1]["by"]) == ("order.cancelled", "op-1")
    assert await run(app, clock) == 0


async def test_two_replicas_do_each_item_once(
    app: App, door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: take the item without a lock."""
    customer = await keep_customer(database)
    orders = await pending(door, customer, 40)
    job_id = await start(door, "cancel", [{"order_id": one} for one in orders])
    await asyncio.gather(run(app, clock), run(app, clock), run(app, clock))
    await run(app, clock)
    assert await progress(door, job_id) == ("done", 40, 0, 0)
    told = Counter(b["order_id"] for b in await outbox.bodies(database, "order.cancelled"))
    assert told == dict.fromkeys(orders, 1)


async def test_an_item_that_dies_before_its_commit_is_done_again_and_once(
    app: App, door: Door, database: Database, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Break: commit the deed before the item's outcome."""
    customer = await keep_customer(database)
    orders = await pending(door, customer, 3)
    job_id = await start(door, "cancel", [{"order_id": one} for one in orders])

    def die(point: str) -> None:
        if point == "order.item_done":
            raise asyncio.CancelledError

    with monkeypatch.context() as dying:
        dying.setattr(running, "crash_point", die)
        with pytest.raises(asyncio.CancelledError):
            await run(app, clock)
    assert await progress(door, job_id) == ("running", 0, 0, 3)
    assert await outbox.bodies(database, "order.cancelled") == []
    await run(app, clock)
    assert await progress(door, job_id) == ("done", 3, 0, 0)
    assert len(await outbox.bodies(database, "order.cancelled")) == 3


async def test_what_passes_is_tried_again_later_and_what_does_not_fails_in_the_end(
    app: App, door: Door, database: Database, peers: PeerDouble, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    job_id = await start(door, "place", [{"customer_id": customer, "lines": [line()]}])
    peers.refusals["/internal/quotes"] = (503, "CHB.0503")
    await run(app, clock)
    assert await progress(door, job_id) == ("running", 0, 0, 1)
    assert await run(app, clock) == 0  # not before its pause is over
    for _ in range(running.TRIES_MAX):
        clock.now += timedelta(seconds=running.PAUSE_SECONDS_MAX)
        await run(app, clock)
    assert await progress(door, job_id) == ("done", 0, 1, 0)
    assert [one["code"] for one in await items_of(door, job_id)] == ["CHB.0503"]

    again = await start(door, "place", [{"customer_id": customer, "lines": [line()]}])
    await run(app, clock)
    peers.refusals.clear()
    clock.now += timedelta(seconds=running.PAUSE_SECONDS_MAX)
    await run(app, clock)
    assert await progress(door, again) == ("done", 1, 0, 0)


async def test_a_payment_that_is_under_way_is_waited_for(
    app: App, door: Door, database: Database, peers: PeerDouble, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    asker = customer_principal(customer)
    [order_id] = await pending(door, customer, 1)
    asked = await door.post(f"/api/orders/{order_id}/payment-request", None, asker)
    job_id = await start(door, "pay_requests", [{"request_id": asked.json()["request_id"]}])

    async def meanwhile(_: Content) -> None:
        del peers.before[HOLD]
        await run(app, clock)
        assert await progress(door, job_id) == ("running", 0, 0, 1)

    peers.before[HOLD] = meanwhile
    peers.refusals[HOLD] = (400, "CBC.99005003")
    assert (await door.post(PAY, payment(order_id), asker)).status_code == 400
    peers.refusals.clear()
    clock.now += timedelta(seconds=5)
    await run(app, clock)
    assert await progress(door, job_id) == ("done", 1, 0, 0)


async def test_a_stopped_job_begins_no_further_item(
    app: App, door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    orders = await pending(door, customer, 3)
    job_id = await start(door, "cancel", [{"order_id": one} for one in orders])
    for _ in range(2):
        stopped = await door.post(f"{JOBS}/{job_id}/stop", None, PARTNER)
        assert (stopped.status_code, stopped.json()["status"]) == (200, "stopped")
    assert await run(app, clock) == 0
    assert await progress(door, job_id) == ("stopped", 0, 0, 3)
    other = await start(door, "cancel", [{"order_id": orders[0]}])
    await run(app, clock)
    late = await door.post(f"{JOBS}/{other}/stop", None, PARTNER)
    assert (late.status_code, late.json()["code"]) == (409, "CHB.0409")


async def test_a_grant_that_ended_meanwhile_fails_the_item(
    app: App, door: Door, database: Database, clock: StandingClock
) -> None:
    customer = await keep_customer(database)
    [order_id] = await pending(door, customer, 1)
    job_id = await start(door, "cancel", [{"order_id": order_id}])
    async with database.transaction() as session:
        await session.execute(update(Authorization).values(status="terminated"))
    await run(app, clock)
    assert [one["code"] for one in await items_of(door, job_id)] == ["CHB.1001"]


@pytest.mark.parametrize(
    ("kind", "items", "code"),
    [
        ("renew", [{"resource_ids": ["r"]}], "CBC.0100"),
        ("renew", [{"resource_ids": ["r"], "period_type": 2, "period_num": 12}], "CBC.0100"),
        ("auto_renewal", [{"resource_ids": ["r"]}], "CBC.0100"),
        ("auto_renewal", [{"resource_id": "r", "auto_renew_times": 100}], "CBC.0100"),
        ("repair", [{"order_id": "CS1"}], "CBC.0101"),
        ("cancel", [], "CBC.0100"),
        ("cancel", [{}], "CBC.0100"),
        ("cancel", [{"request_id": "x"}], "CBC.0100"),
        ("cancel", [{"order_id": "CS1", "customer_id": "c"}], "CBC.0100"),
        ("pay_requests", [{"order_id": "CS1"}], "CBC.0100"),
        ("place", [{"customer_id": "c"}], "CBC.0100"),
        ("place", [{"customer_id": "c", "lines": []}], "CBC.0100"),
        ("unsubscribe", [{"resource_ids": ["r"]}], "CBC.0100"),
        ("unsubscribe", [{"resource_ids": ["r"], "unsubscribe_type": 3}], "CBC.0100"),
        ("cancel", [{"order_id": f"CS{n}"} for n in range(10_001)], "CBC.0100"),
    ],
    ids=str,
)
async def test_what_no_job_can_do_is_refused_whole(
    door: Door, database: Database, kind: str, items: list[Json], code: str
) -> None:
    answer = await door.post(JOBS, {"kind": kind, "items": items}, PARTNER)
    assert answer.json()["code"] == code
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(OrderJob)) == 0
        assert await session.scalar(select(func.count()).select_from(JobItem)) == 0


async def test_an_operator_does_by_a_job_what_it_may_do_once(
    door: Door, database: Database
) -> None:
    about = {"id": "p1", "kind": "solution_provider", "partner_id": "p1", "operator_id": "op"}
    orders = Principal(**about, permissions=frozenset({"CHB_ITEM_ORDERS"}))
    funds = Principal(**about, permissions=frozenset({"CHB_ITEM_FUNDS"}))
    for by, kind, field, status in (
        (orders, "cancel", "order_id", 202),
        (funds, "cancel", "order_id", 403),
        (orders, "pay_requests", "request_id", 403),
        (funds, "pay_requests", "request_id", 202),
    ):
        answer = await door.post(JOBS, {"kind": kind, "items": [{field: "x"}]}, by)
        assert answer.status_code == status, answer.text
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(OrderJob)) == 2


async def test_ten_jobs_of_an_account_run_at_once(door: Door) -> None:
    body = {"kind": "cancel", "items": [{"order_id": "CS1"}]}
    answers = await asyncio.gather(*(door.post(JOBS, body, PARTNER) for _ in range(14)))
    assert Counter(answer.status_code for answer in answers) == {202: 10, 409: 4}
    assert (await door.post(JOBS, body, OTHER_PARTNER)).status_code == 202


async def test_a_job_is_its_partners_to_see(door: Door) -> None:
    job_id = await start(door, "cancel", [{"order_id": "CS1"}])
    for named in (job_id, "0" * 32):
        for method, what in (("GET", ""), ("GET", "/items"), ("POST", "/stop")):
            answer = await door.send(method, f"{JOBS}/{named}{what}", None, OTHER_PARTNER)
            assert (answer.status_code, answer.json()["code"]) == (404, "CHB.0404")
    assert (await progress(door, job_id, ADMINISTRATOR))[0] == "running"


async def test_a_job_is_taken_once_under_a_key_and_its_items_come_in_pages(
    door: Door,
) -> None:
    body = {"kind": "cancel", "items": [{"order_id": f"CS{n}"} for n in range(5)]}
    first, again = [await door.post(JOBS, body, PARTNER, key="k") for _ in range(2)]
    assert first.json() == again.json()
    job_id, after, positions = first.json()["job_id"], None, []
    while True:
        query = {"limit": 2} | ({"after": after} if after else {})
        page = (await door.get(f"{JOBS}/{job_id}/items", PARTNER, query=query)).json()
        positions += [one["position"] for one in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert positions == [1, 2, 3, 4, 5]
    other = await start(door, "cancel", [{"order_id": "CS1"}])
    page = (await door.get(f"{JOBS}/{job_id}/items", PARTNER, query={"limit": 1})).json()
    refused = await door.get(f"{JOBS}/{other}/items", PARTNER, query={"after": page["next"]})
    assert refused.status_code == 400


async def test_what_ended_long_ago_is_forgotten_by_whichever_replica(
    app: App, door: Door, database: Database, clock: StandingClock
) -> None:
    """Together and at once. Break: forget by the day of the start; delete jobs before items."""
    ended = await start(door, "cancel", [{"order_id": "CS1"}])
    await run(app, clock)
    clock.now += timedelta(days=91)
    lasting = await start(door, "cancel", [{"order_id": "CS1"}])
    await asyncio.gather(*(forget_jobs(database, clock.now) for _ in range(3)))
    assert (await door.get(f"{JOBS}/{ended}", PARTNER)).status_code == 404
    async with database.transaction() as session:
        assert set(await session.scalars(select(JobItem.job_id))) == {lasting}
    assert (await progress(door, lasting))[0] == "running"
