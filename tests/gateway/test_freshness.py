"""What an answer of the read model says of itself: until when it is whole, and where it is not.

A key is parked by the real delivery, and freed by the desk that a person uses.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete, text, update

from chassis.consumers import Consumers
from chassis.delivery import Delivery, Move
from chassis.heard import note_heard
from chassis.identity import Principal
from chassis.messages import Message
from chassis.release import Desk
from chassis.tables import ConsumerPosition, ParkedEvent, Rebuild
from contracts.event import Event
from gateway.portfolio.consumers import consumers
from gateway.portfolio.finish_rebuild import finish_rebuild
from testkit.databases import ServiceDatabase
from tests.gateway import identity_builders
from tests.gateway.gate import AccessPair, Gate, open_gate
from tests.gateway.portfolio_builders import customer, funds, order

pytestmark = pytest.mark.postgres

NAME = "gateway_portfolio"
PREFIX = "t1_"  # of the topics
STREAMS = ("customer", "order", "voucher", "billing", "partner")
HEARD = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)  # everything, by every stream
SENT = HEARD + timedelta(seconds=30)
PARTITIONS = 2
DESK = Principal(id="ops", kind="administrator", partner_id="*")


@pytest.fixture
async def gate(gateway_store: ServiceDatabase) -> AsyncIterator[Gate]:
    """A gateway whose read model has heard everything until HEARD."""
    async with open_gate(gateway_store) as opened:
        async with opened.app.parts.database.transaction() as session:
            session.add_all(
                ConsumerPosition(
                    consumer=NAME,
                    topic=PREFIX + stream,
                    partition=number,
                    position=0,
                    heard_until=HEARD,
                )
                for stream in STREAMS
                for number in range(PARTITIONS)
            )
        await opened.feed(
            *(identity_builders.partner(name) for name in ("p1", "p2")),
            identity_builders.partner("d1", kind="distributor"),
            identity_builders.partner("r1", kind="reseller", distributor_id="d1"),
            *(identity_builders.customer(name) for name in ("c1", "c2")),
        )
        yield opened


async def position(gate: Gate, stream: str, partition: int = 0) -> int:
    async with gate.app.parts.database.transaction() as session:
        key = (NAME, PREFIX + stream, partition)
        return int((await session.get_one(ConsumerPosition, key)).position)


async def hear(
    gate: Gate,
    *events: Event,
    parking: str | None = None,
    sent_at: datetime = SENT,
    **changed: Any,
) -> None:
    """Deliver them, in partition 0, as the subscription does; with an error it is parked."""
    for event in events:
        at = await position(gate, event.STREAM)
        headers = {
            "ce_id": str(uuid4()),
            "ce_type": event.TYPE,
            "ce_partnerid": event.partner_id,
            "ce_restated": "true" if event.restated else "false",
        }
        told: dict[str, Any] = {
            "topic": PREFIX + event.STREAM,
            "partition": 0,
            "position": at,
            "key": event.key,
            "headers": headers,
            "body": event.model_dump_json().encode(),
            "sent_at_seconds": sent_at.timestamp(),
            **changed,
        }
        message = Message(**told)
        move = Move(at, at + 1, message.event_id, message.sent_at_seconds)
        delivery = Delivery(consumers, gate.app.parts.database)
        await delivery.deliver([message], {(message.topic, 0): move}, parking=parking)


async def all_heard(gate: Gate, until: datetime, streams: Sequence[str] = STREAMS) -> None:
    """As the watch notes it, of partitions in which nothing waits."""
    standing = {
        (PREFIX + stream, number): await position(gate, stream, number)
        for stream in streams
        for number in range(PARTITIONS)
    }
    await note_heard(gate.app.parts.database, NAME, standing, until.timestamp())


async def replay(gate: Gate, stream: str, key: str) -> int:
    group: dict[str, Consumers] = {NAME: consumers}
    desk = Desk(group, gate.app.parts.database, DESK, HEARD)
    return await desk.replay(NAME, PREFIX + stream, key)


async def read(gate: Gate, who: str | AccessPair, target: str) -> dict[str, Any]:
    if who == "admin":
        answer = await gate.admin("GET", target)
    else:
        key = who if isinstance(who, AccessPair) else await gate.key(who)
        answer = await gate.call(key, "GET", target)
    assert answer.status == 200, answer.raw
    return dict(answer.content)


def told(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


async def stale(gate: Gate, who: str) -> tuple[str | None, dict[str, str | None]]:
    """What the list says of itself, and of each customer."""
    page = await read(gate, who, "/api/customers?association_status=any")
    return page["stale_since"], {c["customer_id"]: c["stale_since"] for c in page["customers"]}


async def test_as_of_is_where_the_stream_stands_that_is_furthest_behind(gate: Gate) -> None:
    """Break: take the newest fact, or the newest of the positions."""
    await hear(gate, customer("c1"), order("o1"))
    later = HEARD + timedelta(minutes=5)
    await all_heard(gate, later, ("customer", "order", "voucher", "partner"))
    for target in ("/api/customers", "/api/customers/c1", "/api/events"):
        assert (await read(gate, "p1", target))["as_of"] == told(HEARD), target  # billing stands
    await hear(gate, funds("1.00", 1), sent_at=later)
    assert (await read(gate, "p1", "/api/customers"))["as_of"] == told(HEARD), "its partition 1"
    await all_heard(gate, later, ("billing",))
    for target in ("/api/customers", "/api/customers/c1", "/api/events"):
        assert (await read(gate, "p1", target))["as_of"] == told(later), target
    page = await read(gate, "p1", "/api/customers")
    assert page["customers"][0]["changed_at"] < page["as_of"]


async def test_the_partners_stream_holds_up_the_feed_and_no_customer(gate: Gate) -> None:
    later = HEARD + timedelta(minutes=5)
    await all_heard(gate, later, ("customer", "order", "voucher", "billing"))
    assert (await read(gate, "p1", "/api/customers"))["as_of"] == told(later)
    assert (await read(gate, "p1", "/api/events"))["as_of"] == told(HEARD)


async def test_until_every_stream_was_met_nobody_knows_until_when(gate: Gate) -> None:
    async with gate.app.parts.database.transaction() as session:
        await session.execute(
            update(ConsumerPosition)
            .where(ConsumerPosition.topic == PREFIX + "order", ConsumerPosition.partition == 1)
            .values(heard_until=None)
        )
    assert (await read(gate, "p1", "/api/customers"))["as_of"] is None
    async with gate.app.parts.database.transaction() as session:
        await session.execute(
            delete(ConsumerPosition).where(ConsumerPosition.topic == PREFIX + "order")
        )
    assert (await read(gate, "p1", "/api/customers"))["as_of"] is None


async def test_a_position_that_has_moved_is_not_noted_as_heard(gate: Gate) -> None:
    """Who lost the partition without knowing it says nothing of it."""
    database = gate.app.parts.database
    await note_heard(database, NAME, {(PREFIX + "order", 0): 7}, SENT.timestamp())
    async with database.transaction() as session:
        row = await session.get_one(ConsumerPosition, (NAME, PREFIX + "order", 0))
        assert row.heard_until == HEARD


async def test_a_parked_key_marks_its_customer_in_every_answer_until_it_is_replayed(
    gate: Gate,
) -> None:
    """Break: leave `stale_since` out of an answer, or the feed's condition on the key."""
    await hear(gate, customer("c1"), customer("c2"), customer("c3", partner_id="p2"))
    assert await stale(gate, "p1") == (None, {"c1": None, "c2": None})
    await hear(gate, order("o1"), parking="ValueError: poison")
    await hear(gate, order("o1", version=2), sent_at=SENT + timedelta(minutes=1))
    await all_heard(gate, HEARD + timedelta(hours=1))

    since = told(SENT)
    assert await stale(gate, "p1") == (since, {"c1": since, "c2": None})
    assert await stale(gate, "admin") == (since, {"c1": since, "c2": None, "c3": None})
    assert await stale(gate, "p2") == (None, {"c3": None})
    shown = await read(gate, "p1", "/api/customers/c1")
    assert (shown["stale_since"], shown["orders"]) == (since, [])
    assert shown["as_of"] == told(HEARD + timedelta(hours=1)), "others went on"
    assert (await read(gate, "p1", "/api/customers/c2"))["stale_since"] is None
    searched = await read(gate, "p1", "/api/customers?label=none")
    assert (searched["customers"], searched["stale_since"]) == ([], since), "who may be missing"

    withheld = [{"stream": "order", "key": "c1", "since": since, "events": 2}]
    for who in ("p1", "admin", "c1"):
        assert (await read(gate, who, "/api/events"))["withheld"] == withheld, who
        latest = await read(gate, who, "/api/events?after=latest")
        assert latest["withheld"] == withheld, who
    for who in ("p2", "c2"):
        assert (await read(gate, who, "/api/events"))["withheld"] == [], who
    only = await read(gate, "p1", "/api/events?types=order.*,customer.updated")
    assert only["withheld"] == withheld
    assert (await read(gate, "p1", "/api/events?types=customer.*"))["withheld"] == []

    before = await read(gate, "p1", "/api/events?after=latest")
    assert await replay(gate, "order", "c1") == 2
    assert await stale(gate, "p1") == (None, {"c1": None, "c2": None})
    shown = await read(gate, "p1", "/api/customers/c1")
    assert (shown["stale_since"], shown["orders"][0]["orders"]) == (None, 1)
    page = await read(gate, "p1", f"/api/events?after={before['next']}")
    assert [event["sequence"] for event in page["events"]] == ["1", "2"]
    assert page["withheld"] == []


async def test_what_is_skipped_is_not_waited_for_any_more(gate: Gate) -> None:
    await hear(gate, customer("c1"))
    await hear(gate, order("o1"), parking="ValueError: poison")
    later = SENT + timedelta(minutes=1)
    await hear(gate, order("o2"), sent_at=later)
    database = gate.app.parts.database
    async with database.transaction() as session:
        first = (await session.scalars(text("SELECT min(id) FROM parked_events"))).one()
    await Desk({NAME: consumers}, database, DESK, HEARD).skip(first, "a test")
    assert (await stale(gate, "p1"))[0] == told(later)
    await replay(gate, "order", "c1")
    assert (await stale(gate, "p1"))[0] is None


async def test_a_customer_of_whom_nothing_is_known_yet_is_not_said_to_be_none(gate: Gate) -> None:
    """Break: answer 404 whatever is parked."""
    await hear(gate, customer("c1"), parking="ValueError: poison")
    key = await gate.key("p1")
    answer = await gate.call(key, "GET", "/api/customers/c1")
    assert (answer.status, answer.code) == (503, "CHB.0503")
    assert await stale(gate, "p1") == (told(SENT), {})
    for who, named in (("p1", "c7"), ("p2", "c1")):
        answer = await gate.call(await gate.key(who), "GET", f"/api/customers/{named}")
        assert answer.status == 404, who
    await replay(gate, "customer", "c1")
    assert await stale(gate, "p1") == (None, {"c1": None})


async def test_bytes_that_nobody_can_read_are_told_to_whom_header_or_key_name(gate: Gate) -> None:
    await hear(gate, customer("c1"), customer("c2"))
    await hear(gate, order("o1"), parking="BadMessageError", body=b"\xff", headers={})
    nameless = {"ce_partnerid": "p2"}
    await hear(
        gate, order("o2"), parking="BadMessageError", body=b"\xff", headers=nameless, key="0@7"
    )
    assert await stale(gate, "p1") == (told(SENT), {"c1": told(SENT), "c2": None})
    assert await stale(gate, "p2") == (told(SENT), {})
    keys = {one["key"] for one in (await read(gate, "p1", "/api/events"))["withheld"]}
    assert keys == {"c1"}
    keys = {one["key"] for one in (await read(gate, "admin", "/api/events"))["withheld"]}
    assert keys == {"c1", "0@7"}


async def test_a_customer_that_changes_hands_is_stale_for_both(gate: Gate) -> None:
    await hear(gate, customer("c1"))
    moved = customer("c1", version=3, partner_id="p2")
    await hear(gate, moved, parking="ValueError: poison")
    for who in ("p1", "p2"):
        assert (await stale(gate, who))[0] == told(SENT), who
    await replay(gate, "customer", "c1")
    for who, seen in (("p1", []), ("p2", ["c1"])):
        since, customers = await stale(gate, who)
        assert (since, list(customers)) == (None, seen), who


async def test_a_distributor_hears_of_its_resellers_customers(gate: Gate) -> None:
    theirs = customer("c9", partner_id="r1", distributor_id="d1")
    await hear(gate, theirs, parking="ValueError: poison")
    for who, expected in (("d1", told(SENT)), ("r1", told(SENT)), ("p1", None)):
        assert (await stale(gate, who))[0] == expected, who
        withheld = (await read(gate, who, "/api/events"))["withheld"]
        assert [one["key"] for one in withheld] == (["c9"] if expected else []), who


async def test_what_a_partners_own_key_holds_is_no_customers(gate: Gate) -> None:
    own = funds("5.00", 1).model_copy(update={"owner_id": "p1", "owner_kind": "partner"})
    await hear(gate, own, parking="ValueError: poison")
    assert await stale(gate, "p1") == (None, {})
    assert [one["key"] for one in (await read(gate, "p1", "/api/events"))["withheld"]] == ["p1"]


async def test_marks_outlast_a_rebuild_and_what_it_states_waits_behind(gate: Gate) -> None:
    """A restatement is no event of the feed, which withholds the fact alone."""
    await hear(gate, customer("c1"), customer("c2"))
    await hear(gate, order("o1"), parking="ValueError: poison")
    database = gate.app.parts.database
    async with database.transaction() as session:
        rebuild = Rebuild()
        session.add(rebuild)
        await session.flush()
        await session.refresh(rebuild)
    anew = [customer("c1"), customer("c2"), order("o1")]
    for event in anew:
        await hear(gate, event.model_copy(update={"restated": True}))
    await finish_rebuild(database, rebuild, lambda _: None)
    since = told(SENT)
    assert await stale(gate, "p1") == (since, {"c1": since, "c2": None})
    (withheld,) = (await read(gate, "p1", "/api/events"))["withheld"]
    assert withheld["events"] == 1
    assert await replay(gate, "order", "c1") == 2
    assert await stale(gate, "p1") == (None, {"c1": None, "c2": None})


async def test_the_wall_stands_without_the_querys_own_condition(gate: Gate) -> None:
    await hear(gate, order("o1"), parking="ValueError: poison")
    stranger = Principal(id="p2", kind="solution_provider", partner_id="p2")
    for who, rows in ((stranger, 0), (DESK, 1)):
        async with gate.app.parts.database.transaction_as(who) as session:
            assert len((await session.execute(text("SELECT * FROM withheld_events"))).all()) == rows


async def test_what_was_parked_by_the_release_before_is_told_too(gate: Gate) -> None:
    """Without the time it was sent: since it was parked."""
    await hear(gate, customer("c1"))
    await hear(gate, order("o1"), parking="ValueError: poison")
    async with gate.app.parts.database.transaction() as session:
        await session.execute(update(ParkedEvent).values(sent_at=None, parked_at=HEARD))
    assert await stale(gate, "p1") == (told(HEARD), {"c1": told(HEARD)})
