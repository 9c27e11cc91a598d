"""Which jobs there are, how far each is, what failed of one: for its partner and the console."""

from dataclasses import replace
from typing import Any

import pytest

from chassis.database import Database
from testkit.clock import StandingClock
from testkit.door import ADMINISTRATOR, Door
from tests.order.builders import OTHER_PARTNER, keep_customer, keep_partner
from tests.order.test_order_jobs import JOBS, PARTNER, App, pending, progress, run, start

pytestmark = pytest.mark.postgres


async def listed(door: Door, by: Any, **query: Any) -> dict[str, Any]:
    answer = await door.get(JOBS, by, query=query)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


async def test_a_partner_lists_its_own_jobs_and_the_administrator_all(
    app: App, door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: sort them from the oldest on. What is another's, the second wall hides, too."""
    await keep_partner(database)
    orders = await pending(door, await keep_customer(database), 2)
    named = [{"order_id": one} for one in (*orders, orders[0][:-6] + "000000")]
    done = await start(door, "cancel", named)
    await run(app, clock)
    waiting = await start(door, "cancel", named[:1])
    stranger = replace(OTHER_PARTNER, permissions=PARTNER.permissions)
    theirs = await start(door, "cancel", named[:1], stranger)

    own = (await listed(door, PARTNER))["jobs"]
    assert [one["job_id"] for one in own] == [waiting, done], "the newest first"
    counts = ("status", "total", "succeeded", "failed", "waiting", "partner_id")
    assert [own[1][name] for name in counts] == ["done", 3, 2, 1, 0, "p1"]
    assert [one["job_id"] for one in (await listed(door, stranger))["jobs"]] == [theirs]
    first = await listed(door, ADMINISTRATOR, limit=2)
    rest = await listed(door, ADMINISTRATOR, limit=2, after=first["next"])
    assert [one["job_id"] for one in first["jobs"] + rest["jobs"]] == [theirs, waiting, done]
    assert rest["next"] is None
    ended = await listed(door, ADMINISTRATOR, status="done")
    assert [one["job_id"] for one in ended["jobs"]] == [done]
    wrong = await door.get(JOBS, PARTNER, query={"status": "late"})
    assert wrong.status_code == 400


async def test_failed_items_alone_are_asked_for_and_the_administrator_stops_a_job(
    app: App, door: Door, database: Database, clock: StandingClock
) -> None:
    """Break: page by the place among all items before the state is looked at."""
    await keep_partner(database)
    orders = await pending(door, await keep_customer(database), 1)
    unknown = [{"order_id": orders[0][:-6] + f"{n:06}"} for n in range(3)]
    job_id = await start(door, "cancel", [unknown[0], {"order_id": orders[0]}, *unknown[1:]])
    await run(app, clock)
    failed = {"state": "failed", "limit": 2}
    path = f"{JOBS}/{job_id}/items"
    first = (await door.get(path, ADMINISTRATOR, query=failed)).json()
    rest = (await door.get(path, ADMINISTRATOR, query=failed | {"after": first["next"]})).json()
    positions = [one["position"] for one in first["items"] + rest["items"]]
    assert (positions, rest["next"]) == ([1, 3, 4], None)

    running = await start(door, "cancel", unknown)
    stopped = await door.post(f"{JOBS}/{running}/stop", None, ADMINISTRATOR)
    assert (stopped.status_code, stopped.json()["status"]) == (200, "stopped")
    assert await progress(door, running) == ("stopped", 0, 0, 3)
    again = await door.post(f"{JOBS}/{job_id}/stop", None, ADMINISTRATOR)
    assert (again.status_code, again.json()["code"]) == (409, "CHB.0409")
