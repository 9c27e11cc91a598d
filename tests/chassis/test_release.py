"""Parked keys: replay in order, edit and replay, skip; audited, one transaction a step."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence

import pytest
from sqlalchemy import func, select, text, update

from chassis import audit
from chassis.consumers import Consumers
from chassis.database import EventSession
from chassis.delivery import Delivery, Move
from chassis.errors import BadFieldError, NotFoundError
from chassis.messages import Message
from chassis.release import Desk, Replayed, StillFailingError, list_parked
from chassis.settings import ServiceSettings
from chassis.tables import AuditEntry, ConsumerPosition, ParkedEvent, ParkedKey
from contracts.event import Event
from testkit.door import ADMINISTRATOR
from testkit.servers import PostgresServer
from tests.chassis.parked import NOW, message, park_first_of
from tests.chassis.processes import Outcome, until
from tests.chassis.tally import counting, create_schema, settings_for

pytestmark = pytest.mark.postgres


@pytest.fixture
async def settings(postgres_server: PostgresServer) -> AsyncIterator[ServiceSettings]:
    postgres_server.drop_database("parked_tally")
    postgres_server.create_database("parked_tally")
    found = settings_for(postgres_server.url, "unused", "parked_")
    await create_schema(found)
    yield found
    postgres_server.drop_database("parked_tally")


@pytest.fixture
async def outcome(settings: ServiceSettings) -> AsyncIterator[Outcome]:
    found = Outcome(settings)
    async with found.database.transaction() as session:
        session.add(ConsumerPosition(consumer="tally", topic="billing", partition=0, position=0))
    yield found
    await found.database.close()


@pytest.fixture
def desk(outcome: Outcome) -> Desk:
    return Desk({"tally": counting()}, outcome.database, ADMINISTRATOR, NOW)


async def parked_ids(outcome: Outcome) -> list[int]:
    async with outcome.database.transaction() as session:
        ids = await session.scalars(select(ParkedEvent.id).order_by(ParkedEvent.id))
        return list(ids)


async def free(outcome: Outcome) -> bool:
    async with outcome.database.transaction() as session:
        return not await session.scalar(select(func.count()).select_from(ParkedKey))


async def test_a_replay_that_fails_again_keeps_every_event_and_counts_the_attempt(
    outcome: Outcome, desk: Desk
) -> None:
    await park_first_of(outcome.database, message(0, "k", 1, "-1.00"), message(1, "k", 2))
    with pytest.raises(StillFailingError, match=r"a tally cannot count -1\.00"):
        await desk.replay("tally", "billing", "k")
    assert await outcome.heard() == []
    async with outcome.database.transaction() as session:
        (key,) = await list_parked(session)
    assert (key["events"], key["attempts"]) == (2, 2)


async def test_edit_and_replay_releases_the_key_in_order_and_keeps_what_arrived(
    outcome: Outcome, desk: Desk
) -> None:
    bad = message(0, "k", 1, "-1.00")
    await park_first_of(outcome.database, bad, message(1, "k", 2), message(2, "k", 3))
    mended = json.loads(bad.body) | {"amount": "5.00"}
    first, *_ = await parked_ids(outcome)
    await desk.edit(first, json.dumps(mended).encode(), "the sign was wrong")
    assert await desk.replay("tally", "billing", "k") == 3
    assert await outcome.heard() == [("k", 1), ("k", 2), ("k", 3)]
    assert await free(outcome)
    async with outcome.database.transaction() as session:
        kept = await session.get_one(ParkedEvent, first)
        assert kept.original_body == bad.body
        assert (kept.state, kept.decision) == ("replayed", "the sign was wrong")


async def test_an_edit_that_breaks_the_contract_is_refused(outcome: Outcome, desk: Desk) -> None:
    await park_first_of(outcome.database, message(0, "k", 1, "-1.00"))
    (first,) = await parked_ids(outcome)
    with pytest.raises(BadFieldError, match="body"):
        await desk.edit(first, b'{"amount": "x"}', "a try")


async def test_skipping_leaves_one_event_out_and_the_rest_replays(
    outcome: Outcome, desk: Desk
) -> None:
    await park_first_of(outcome.database, message(0, "k", 1, "-1.00"), message(1, "k", 2))
    first, _ = await parked_ids(outcome)
    await desk.skip(first, "agreed with finance")
    assert await desk.replay("tally", "billing", "k") == 1
    assert await outcome.heard() == [("k", 2)]
    with pytest.raises(NotFoundError):
        await desk.skip(first, "once more")


async def test_an_event_that_arrives_during_the_replay_is_handled_after_the_parked_ones(
    outcome: Outcome, desk: Desk
) -> None:
    await park_first_of(outcome.database, message(0, "k", 1, "2.00"), message(1, "k", 2))
    late = message(2, "k", 3)
    delivery = Delivery(counting(), outcome.database)
    moves = {("billing", 0): Move(2, 3, late.event_id)}
    await asyncio.gather(desk.replay("tally", "billing", "k"), delivery.deliver([late], moves))
    await desk.replay("tally", "billing", "k")
    assert await outcome.heard() == [("k", 1), ("k", 2), ("k", 3)]
    assert await free(outcome)


async def test_the_same_event_parked_twice_by_a_relay_is_there_once(
    outcome: Outcome, desk: Desk
) -> None:
    first = message(0, "k", 1, "2.00")
    again = Message("billing", 0, 1, "k", first.headers, first.body, NOW.timestamp())
    await park_first_of(outcome.database, first, again)
    assert len(await parked_ids(outcome)) == 1
    await desk.replay("tally", "billing", "k")
    assert await outcome.heard() == [("k", 1)]


async def test_decisions_are_audited_and_a_changed_entry_breaks_the_chain(
    outcome: Outcome, desk: Desk
) -> None:
    await park_first_of(outcome.database, message(0, "k", 1, "-1.00"), message(1, "k", 2))
    first, _ = await parked_ids(outcome)
    await desk.skip(first, "agreed with finance")
    await desk.replay("tally", "billing", "k")
    await audit.seal_audit(outcome.database, NOW)
    assert await audit.verify(outcome.database) is None
    async with outcome.database.transaction() as session:
        actions = await session.scalars(select(AuditEntry.action).order_by(AuditEntry.id))
        assert list(actions) == ["parked_event.skipped", "parked_event.replayed"]
        await session.execute(update(AuditEntry).where(AuditEntry.id == 1).values(subject="9"))
    assert "was changed" in str(await audit.verify(outcome.database))


def held_at(version: int) -> tuple[Consumers, asyncio.Event, asyncio.Event]:
    """Consumers that stand still while they handle an event of that version, until they may go."""
    consumers, entered, may_go = counting(), asyncio.Event(), asyncio.Event()
    handle = consumers.handle

    async def held(events: Sequence[Event], session: EventSession) -> None:
        if any(event.version == version for event in events):
            entered.set()
            await may_go.wait()
        await handle(events, session)

    consumers.handle = held  # type: ignore[method-assign]
    return consumers, entered, may_go


async def waits_for_a_lock(outcome: Outcome) -> None:
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )

    async def somebody() -> bool:
        async with outcome.database.transaction() as session:
            return bool(await session.scalar(waiting))

    await until(somebody)


async def audited(outcome: Outcome) -> list[tuple[str, str]]:
    async with outcome.database.transaction() as session:
        entries = select(AuditEntry.action, AuditEntry.subject).order_by(AuditEntry.id)
        return [(action, subject) for action, subject in await session.execute(entries)]


@pytest.mark.parametrize("deed", ["skip", "edit"])
async def test_of_a_replay_and_a_decision_at_once_one_wins_and_the_audit_says_which(
    outcome: Outcome, deed: str
) -> None:
    """Break: in `Desk._waiting`, look at the state before the key is locked."""
    event = message(0, "k", 1, "2.00")
    await park_first_of(outcome.database, event)
    (first,) = await parked_ids(outcome)
    consumers, entered, may_go = held_at(1)
    replaying = Desk({"tally": consumers}, outcome.database, ADMINISTRATOR, NOW)
    deciding = Desk({"tally": counting()}, outcome.database, ADMINISTRATOR, NOW)
    replay = asyncio.create_task(replaying.replay("tally", "billing", "k"))
    await entered.wait()
    decide = asyncio.create_task(
        deciding.skip(first, "not needed")
        if deed == "skip"
        else deciding.edit(first, event.body, "not needed")
    )
    await waits_for_a_lock(outcome)
    may_go.set()
    assert await replay == 1
    with pytest.raises(NotFoundError):
        await decide
    assert await audited(outcome) == [("parked_event.replayed", str(first))]
    assert await outcome.heard() == [("k", 1)]
    async with outcome.database.transaction() as session:
        kept = await session.get_one(ParkedEvent, first)
        assert (kept.state, kept.decision) == ("replayed", None)


async def test_a_replay_that_waited_for_a_skip_handles_nothing(outcome: Outcome) -> None:
    await park_first_of(outcome.database, message(0, "k", 1, "2.00"))
    (first,) = await parked_ids(outcome)
    desk = Desk({"tally": counting()}, outcome.database, ADMINISTRATOR, NOW)
    skipped, replayed = await asyncio.gather(
        desk.skip(first, "not needed"),
        desk.replay("tally", "billing", "k"),
        return_exceptions=True,
    )
    said = await audited(outcome)
    assert len(said) == 1
    if said[0][0] == "parked_event.skipped":
        assert (skipped, replayed) == (None, 0)
        assert await outcome.heard() == []
    else:
        assert isinstance(skipped, NotFoundError)
        assert replayed == 1
        assert await outcome.heard() == [("k", 1)]


async def test_an_event_that_arrives_while_its_key_becomes_free_is_handled_not_parked(
    outcome: Outcome,
) -> None:
    """Break: in `chassis.parking`, read `parked_keys` without FOR UPDATE.

    It would be parked behind nothing, and wait for a person for ever.
    """
    await park_first_of(outcome.database, message(0, "k", 1, "2.00"))
    consumers, entered, may_go = held_at(1)
    replaying = Desk({"tally": consumers}, outcome.database, ADMINISTRATOR, NOW)
    replay = asyncio.create_task(replaying.replay("tally", "billing", "k"))
    await entered.wait()
    late = message(1, "k", 2)
    delivery = Delivery(counting(), outcome.database)
    moves = {("billing", 0): Move(1, 2, late.event_id)}
    delivered = asyncio.create_task(delivery.deliver([late], moves))
    await waits_for_a_lock(outcome)
    may_go.set()
    await asyncio.gather(replay, delivered)
    assert await outcome.heard() == [("k", 1), ("k", 2)]
    assert await free(outcome)
    async with outcome.database.transaction() as session:
        states = await session.scalars(select(ParkedEvent.state))
        assert list(states) == ["replayed"]


async def test_many_keys_are_replayed_together_by_consumer_and_error(
    outcome: Outcome, desk: Desk
) -> None:
    """What fails again stays, and holds up nobody."""
    for position, (key, amount) in enumerate([("a", "1.00"), ("b", "-1.00"), ("c", "3.00")]):
        bad = message(position, key, 1, amount)
        move = {("billing", 0): Move(position, position + 1, bad.event_id)}
        parking = "UndefinedColumnError: 100% gone" if key != "c" else "ValueError: other"
        await Delivery(counting(), outcome.database).deliver([bad], move, parking=parking)
    assert await desk.replay_all(error="100% gone") == Replayed(1, 1, 1)
    assert await outcome.heard() == [("a", 1)]
    assert await desk.replay_all(error="100_ gone") == Replayed(0, 0, 0)
    assert await desk.replay_all(consumer="another") == Replayed(0, 0, 0)
    assert await desk.replay_all() == Replayed(1, 1, 1)
    assert await outcome.heard() == [("a", 1), ("c", 1)]
    actions = [action for action, _ in await audited(outcome)]
    together = "parked_event.replay_all"  # each time, also when nothing was found
    one = "parked_event.replayed"
    assert actions == [one, together, together, together, one, together]
