"""The feed: no gaps while others write, nobody's events but one's own, an honest end."""

import asyncio
import time
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from sqlalchemy import select, text, update

from chassis.identity import Principal
from contracts.event import Event
from gateway.feed import read_events as reading
from gateway.feed.prune_events import prune_events
from gateway.portfolio.models import FeedRow
from gateway.portfolio.project_events import project_events
from tests.gateway import identity_builders
from tests.gateway.gate import Answer, Gate
from tests.gateway.portfolio_builders import customer, order

pytestmark = pytest.mark.postgres

DISTRIBUTOR = identity_builders.partner("d1", kind="distributor")
RESELLER = identity_builders.partner("r1", kind="reseller", distributor_id="d1")
STRANGER = identity_builders.partner("p2")


async def project(gate: Gate, *events: Event) -> None:
    async with gate.app.parts.database.transaction() as session:
        await project_events(session, events)


async def page(gate: Gate, query: str = "") -> dict[str, Any]:
    answer = await gate.admin("GET", f"/api/events{query}")
    assert answer.status == 200, answer.raw
    return dict(answer.content)


async def read_to_the_end(gate: Gate, limit: int, after: str = "earliest") -> list[str]:
    ids: list[str] = []
    while True:
        found = await page(gate, f"?after={after}&limit={limit}")
        ids += [event["id"] for event in found["events"]]
        after = found["next"]
        if not found["has_more"]:
            return ids


async def feed_order(gate: Gate) -> list[str]:
    async with gate.app.parts.database.transaction() as session:
        ids = await session.scalars(select(FeedRow.event_id).order_by(FeedRow.position))
        return [str(event_id) for event_id in ids]


async def test_an_event_is_a_cloud_event_with_its_id_in_kafka(gate: Gate) -> None:
    stated = order("o1", version=3)
    await project(gate, stated)
    (event,) = (await page(gate))["events"]
    body = event.pop("data")
    assert event == {
        "specversion": "1.0",
        "id": str(stated.event_id),
        "source": "/channelbus/order",
        "type": "order.created",
        "subject": "o1",
        "time": stated.occurred_at.isoformat(),
        "dataschema": stated.data_schema,
        "sequence": "3",
        "partnerid": "p1",
        "datacontenttype": "application/json",
    }
    assert body == stated.model_dump(mode="json")


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 500])
async def test_pages_of_any_size_hold_every_event_once_in_order(gate: Gate, limit: int) -> None:
    for start in range(0, 7, 2):
        await project(gate, *[order(f"o{start + i}") for i in range(2)])
    assert await read_to_the_end(gate, limit) == await feed_order(gate)


async def test_readers_miss_nothing_while_several_write(gate: Gate) -> None:
    """Transactions end in another order than they began, and some end in a rollback."""

    async def write(writer: int) -> None:
        for number in range(12):
            try:
                async with gate.app.parts.database.transaction() as session:
                    await project_events(session, [order(f"o{writer}-{number}")])
                    await asyncio.sleep(0.004 * (writer % 3))
                    if number % 4 == 3:
                        raise LookupError
            except LookupError:
                pass

    async def follow() -> list[str]:
        ids: list[str] = []
        after = "earliest"
        while not writing.done():
            found = await page(gate, f"?after={after}&limit=5")
            ids += [event["id"] for event in found["events"]]
            after = found["next"]
        return ids + await read_to_the_end(gate, 5, after)

    writing = asyncio.ensure_future(asyncio.gather(*[write(n) for n in range(6)]))
    readers = [asyncio.create_task(follow()) for _ in range(2)]
    await writing
    written = await feed_order(gate)
    assert len(written) == 6 * 9
    assert [await reader for reader in readers] == [written, written]


async def test_a_restated_event_is_no_new_fact(gate: Gate) -> None:
    restated = order("o1")
    restated.__dict__["restated"] = True
    await project(gate, restated)
    assert (await page(gate))["events"] == []


async def of(gate: Gate, account: str, query: str = "") -> list[str]:
    key = await gate.key(account)
    answer = await gate.call(key, "GET", f"/api/events{query}")
    assert answer.status == 200, answer.raw
    assert answer.content["has_more"] is False
    return [event["subject"] for event in answer.content["events"]]


async def test_each_reads_its_own_and_a_distributor_its_resellers(gate: Gate) -> None:
    await gate.feed(
        identity_builders.partner("p1"),
        DISTRIBUTOR,
        RESELLER,
        STRANGER,
        identity_builders.customer("c1"),
    )
    theirs = order("o-r1", "c9").model_copy(update={"partner_id": "r1", "distributor_id": "d1"})
    of_d1 = order("o-d1", "c8").model_copy(update={"partner_id": "d1"})
    await project(gate, order("o-c1"), order("o-c2", "c2"), theirs, of_d1)
    assert await of(gate, "p1") == ["o-c1", "o-c2"]
    assert await of(gate, "c1") == ["o-c1"]
    assert await of(gate, "d1") == ["o-r1", "o-d1"]
    assert await of(gate, "r1") == ["o-r1"]
    assert await of(gate, "p2") == []
    assert len((await page(gate))["events"]) == 4


async def test_the_wall_stands_without_the_querys_own_condition(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_visible", lambda _principal: [])
    await project(gate, order("o1"))
    parts = gate.app.parts
    for who, seen in (("p1", 1), ("p2", 0)):
        principal = Principal(id=who, kind="solution_provider", partner_id=who)
        found = await reading.read_events(
            parts.database, parts.feed_watch, principal, reading.ReadEvents()
        )
        assert len(found["events"]) == seen, who


async def test_the_querys_own_condition_stands_without_the_wall(gate: Gate) -> None:
    await project(gate, order("o1"))
    parts = gate.app.parts
    everywhere = Principal(id="p2", kind="solution_provider", partner_id="*")
    found = await reading.read_events(
        parts.database, parts.feed_watch, everywhere, reading.ReadEvents()
    )
    assert found["events"] == []


async def test_a_cursor_moves_on_past_what_others_did(gate: Gate) -> None:
    """Else a quiet reader's cursor would grow too old although it read everything."""
    await gate.feed(STRANGER)
    key = await gate.key("p2")
    await project(gate, order("o1"))
    first = await gate.call(key, "GET", "/api/events")
    await project(gate, order("o2"))
    second = await gate.call(key, "GET", f"/api/events?after={first.content['next']}")
    assert first.content["next"] != second.content["next"]


async def test_a_page_looks_through_a_bounded_part_and_says_there_is_more(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "EXAMINED_POSITIONS_MAX", 3)
    await project(gate, *[order(f"o{n}") for n in range(7)], customer())
    found = await page(gate, "?types=customer.*")
    assert (found["events"], found["has_more"]) == ([], True)
    after = found["next"]
    types: list[str] = []
    for _ in range(2):
        found = await page(gate, f"?types=customer.*&after={after}")
        after = found["next"]
        types += [event["type"] for event in found["events"]]
    assert types == ["customer.associated"]
    assert found["has_more"] is False


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ("order.created", ["o1"]),
        ("customer.associated,order.created", ["c1", "o1"]),
        ("customer.*", ["c1"]),
        ("resource.*", []),
    ],
)
async def test_types_choose(gate: Gate, types: str, expected: list[str]) -> None:
    await project(gate, customer(), order("o1"))
    found = await page(gate, f"?types={quote(types)}")
    assert [event["subject"] for event in found["events"]] == expected


async def refused(gate: Gate, query: str) -> Answer:
    return await gate.admin("GET", f"/api/events?{query}")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("types=order.imagined", "CBC.0101"),
        ("types=order*", "CBC.0101"),
        ("types=", "CBC.0100"),
        ("after=garbage", "CBC.0100"),
        ("after=" + "A" * 101, "CBC.0100"),
        ("limit=0", "CBC.0100"),
        ("limit=501", "CBC.0100"),
        ("wait_seconds=31", "CBC.0100"),
        ("wait_seconds=nan", "CBC.0100"),
        ("before=x", "CBC.0100"),
    ],
)
async def test_what_makes_no_sense_is_refused(gate: Gate, query: str, code: str) -> None:
    answer = await refused(gate, query)
    assert (answer.status, answer.code) == (400, code), answer.raw


async def test_nobody_reads_without_an_identity(gate: Gate) -> None:
    answer = await gate.send("GET", "/api/events")
    assert answer.status == 401


async def age_rows(gate: Gate, days: int) -> None:
    async with gate.app.parts.database.transaction() as session:
        await session.execute(
            update(FeedRow).values(arrived_at=FeedRow.arrived_at - timedelta(days=days))
        )


async def prune(gate: Gate) -> None:
    now: datetime = gate.now()
    await prune_events(gate.app.parts.database, now)


async def test_a_cursor_from_before_what_is_kept_is_told_how_to_start_over(gate: Gate) -> None:
    await project(gate, order("o1"))
    old = (await page(gate))["next"]
    await project(gate, order("o2"), order("o3"))
    await age_rows(gate, 31)
    await project(gate, order("o4"))
    await prune(gate)

    answer = await refused(gate, f"after={old}")
    assert (answer.status, answer.code) == (410, "CHB.0410")
    assert "after=latest" in answer.content["detail"]
    assert "GET /api/customers" in answer.content["detail"]

    kept = await page(gate)
    assert [event["subject"] for event in kept["events"]] == ["o4"]
    assert (await page(gate, f"?after={kept['next']}"))["events"] == []


async def test_who_read_everything_goes_on_although_all_of_it_was_pruned(gate: Gate) -> None:
    await project(gate, order("o1"))
    current = (await page(gate))["next"]
    await age_rows(gate, 31)
    await prune(gate)
    assert (await page(gate, f"?after={current}"))["events"] == []
    await project(gate, order("o2"))
    found = await page(gate, f"?after={current}")
    assert [event["subject"] for event in found["events"]] == ["o2"]


async def test_what_is_thirty_days_old_to_the_day_is_kept(gate: Gate) -> None:
    await project(gate, order("o1"))
    await age_rows(gate, 30)
    gate.ahead = timedelta(minutes=-5)
    await prune(gate)
    assert len((await page(gate))["events"]) == 1


async def test_pruning_goes_on_portion_by_portion(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.feed.prune_events.PORTION_EVENTS", 3)
    await project(gate, *[order(f"o{n}") for n in range(8)])
    await age_rows(gate, 31)
    await project(gate, order("o9"))
    await prune(gate)
    assert len(await feed_order(gate)) == 1


async def test_a_cursor_of_another_feed_starts_over(gate: Gate) -> None:
    await project(gate, order("o1"))
    cursor = (await page(gate))["next"]
    async with gate.app.parts.database.transaction() as session:
        await session.execute(
            text("UPDATE event_feed_horizon SET feed_id = :other"), {"other": uuid4()}
        )
    assert (await refused(gate, f"after={cursor}")).code == "CHB.0410"


async def test_a_cursor_ahead_of_the_feed_starts_over(gate: Gate) -> None:
    """The database was put back to an earlier day: positions are given out a second time."""
    await project(gate, order("o1"), order("o2"))
    cursor = (await page(gate))["next"]
    async with gate.app.parts.database.transaction() as session:
        await session.execute(text("DELETE FROM event_feed WHERE subject = 'o2'"))
    assert (await refused(gate, f"after={cursor}")).code == "CHB.0410"


async def test_latest_begins_after_everything_there_is(gate: Gate) -> None:
    await project(gate, order("o1"))
    found = await page(gate, "?after=latest")
    assert (found["events"], found["has_more"]) == ([], False)
    await project(gate, order("o2"))
    followed = await page(gate, f"?after={found['next']}")
    assert [event["subject"] for event in followed["events"]] == ["o2"]


async def test_an_erased_event_stays_as_a_tombstone(gate: Gate) -> None:
    erased = order("o1")
    await project(gate, erased, order("o2"))
    async with gate.app.parts.database.transaction() as session:
        await session.execute(
            update(FeedRow).where(FeedRow.event_id == erased.event_id).values(body=None)
        )
    tombstone, whole = (await page(gate))["events"]
    assert tombstone["id"] == str(erased.event_id)
    assert tombstone["tombstone"] is True
    assert "data" not in tombstone
    assert "tombstone" not in whole


async def test_who_waits_hears_at_once(gate: Gate) -> None:
    loop = asyncio.get_running_loop()
    waiting = asyncio.create_task(page(gate, "?wait_seconds=20"))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    await project(gate, order("o1"))
    stated = loop.time()
    found = await waiting
    assert [event["subject"] for event in found["events"]] == ["o1"]
    assert loop.time() - stated < 10  # of the twenty that it would wait


async def test_what_is_not_ones_own_ends_no_waiting(gate: Gate) -> None:
    await gate.feed(STRANGER)
    key = await gate.key("p2")
    waiting = asyncio.create_task(gate.call(key, "GET", "/api/events?wait_seconds=1.5"))
    await asyncio.sleep(0.3)
    await project(gate, order("o1"))
    answer = await waiting
    assert answer.content["events"] == []
    assert answer.content["has_more"] is False
    fresh = await gate.call(key, "GET", f"/api/events?after={answer.content['next']}")
    assert fresh.content["events"] == []


async def test_many_who_wait_share_one_look(gate: Gate) -> None:
    """However many wait, the table is asked four times a second."""
    watch = gate.app.parts.feed_watch
    looks: list[float] = []
    ask = watch._heads._look

    async def counted() -> Any:
        looks.append(asyncio.get_running_loop().time())
        return await ask()

    watch._heads._look = counted
    async with asyncio.timeout(20):
        ends = time.monotonic() + 3
        readers = [Principal(f"p{n}", "solution_provider", f"p{n}") for n in range(50)]
        found = await asyncio.gather(*(watch.beyond(one, 10**9, ends) for one in readers))
        assert found == [None] * 50
    assert 2 <= len(looks) <= 14
    assert all(later - earlier > 0.2 for earlier, later in pairwise(looks))


async def test_readers_beyond_the_limit_are_answered_at_once(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.feed.watch_head.READERS_WAITING_MAX", 0)
    async with asyncio.timeout(5):
        found = await page(gate, "?wait_seconds=30")
    assert found["events"] == []
