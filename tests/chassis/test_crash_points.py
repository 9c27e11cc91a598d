"""Kill the process at each named point: every effect exactly once, in the order of its key.

Each test says which line of the chassis to break to see it fail.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from chassis.database import Database
from chassis.messages import Message
from chassis.parking import Waiting, park
from chassis.settings import ServiceSettings
from chassis.tables import ConsumerPosition, ParkedEvent, RelaySlot
from tests.chassis.processes import Outcome, died, froze, tally, until
from tests.chassis.tally import funds_moved, state

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


@pytest.fixture
async def outcome(settings: ServiceSettings) -> AsyncIterator[Outcome]:
    found = Outcome(settings)
    yield found
    await found.database.close()


async def test_killed_after_the_business_commit(
    settings: ServiceSettings, outcome: Outcome
) -> None:
    """Break: in `Database.transaction`, call `write_kept` after the crash point, not before."""
    with tally(settings, CRASH_AT="business.committed:5", TALLY_STATE="k:1:9") as process:
        assert await died(process)
    with tally(settings, TALLY_STATE="k:6:9"):
        await outcome.settled("k", 9)


async def test_killed_between_send_and_delete(settings: ServiceSettings, outcome: Outcome) -> None:
    """Break: let `Delivery._not_seen` return `events` as they are."""
    await state(outcome.database, "k", range(1, 21), NOW)
    with tally(settings, CRASH_AT="relay.sent") as process:
        assert await died(process)
    with tally(settings):
        await outcome.settled("k", 20)


async def test_killed_between_handlers_and_commit(
    settings: ServiceSettings, outcome: Outcome
) -> None:
    """Break: in `Delivery.deliver`, call `_move` in a transaction of its own, before."""
    await state(outcome.database, "k", range(1, 21), NOW)
    with tally(settings, CRASH_AT="consumer.handled") as process:
        assert await died(process)
    assert await outcome.heard() == []
    with tally(settings):
        await outcome.settled("k", 20)


@pytest.mark.parametrize("point", ["consumer.committed", "consumer.committing"])
async def test_killed_between_commit_and_kafkas_offset_commit(
    settings: ServiceSettings, outcome: Outcome, point: str
) -> None:
    """Break: in `Standing.seek`, take `consumer.committed(target)` for the position.

    The fence and the inbox catch that each by itself: drop `AND p.position = v.expected`, and let
    `Delivery._not_seen` return `events` as they are.
    """
    await state(outcome.database, "k", range(1, 21), NOW)
    with tally(settings, CRASH_AT=point) as process:
        assert await died(process)
    with tally(settings, TALLY_STATE="k:21:22"):
        await outcome.settled("k", 22)


async def test_killed_inside_a_lease_takeover(settings: ServiceSettings, outcome: Outcome) -> None:
    """Break: let `_TAKE` ask for `holder IS NULL`: what the dead one took is never sent."""
    await state(outcome.database, "k", range(1, 21), NOW)
    with tally(settings, CRASH_AT="relay.takeover") as process:
        assert await died(process)
    with tally(settings, TALLY_STATE="k:21:30"):
        await outcome.settled("k", 30)


async def test_a_consumer_frozen_before_its_transaction_finds_its_batch_refused(
    settings: ServiceSettings, outcome: Outcome
) -> None:
    """Break: drop `AND p.position = v.expected` from the fence, and the inbox with it."""
    await state(outcome.database, "k", range(1, 21), NOW)
    with tally(settings, CRASH_AT="consumer.delivering:1:STOP") as first:
        await froze(first)
        with tally(settings):
            await outcome.settled("k", 20)
            os.kill(first.pid, signal.SIGCONT)
            await state(outcome.database, "k", range(21, 31), NOW)
            await outcome.settled("k", 30)


@pytest.mark.parametrize("point", ["consumer.positioned", "consumer.handled"])
async def test_a_consumer_frozen_inside_its_transaction_loses_it(
    settings: ServiceSettings, outcome: Outcome, point: str
) -> None:
    """Break: drop `idle_in_transaction_session_timeout` from `Database._session_settings`."""
    await state(outcome.database, "k", range(1, 21), NOW)
    with tally(settings, CRASH_AT=f"{point}:1:STOP") as first:
        await froze(first)
        with tally(settings):
            await outcome.settled("k", 20)
            os.kill(first.pid, signal.SIGCONT)
            await state(outcome.database, "k", range(21, 31), NOW)
            await outcome.settled("k", 30)
    assert await outcome.count(ParkedEvent) == 0


async def test_a_process_frozen_alone_inside_its_transaction_parks_nothing(
    settings: ServiceSettings, outcome: Outcome
) -> None:
    """Break: in `says_away`, do not count a `DBAPIError` whose connection was lost."""
    await state(outcome.database, "k", range(1, 2), NOW)
    with tally(settings, CRASH_AT="consumer.handled:1:STOP") as process:
        await froze(process)
        await asyncio.sleep(settings.transaction_idle_seconds + 1)
        os.kill(process.pid, signal.SIGCONT)
        await outcome.settled("k", 1)
    assert await outcome.count(ParkedEvent) == 0


async def test_a_relay_frozen_before_its_sends_has_them_caught(
    settings: ServiceSettings, outcome: Outcome
) -> None:
    """Break: let `Delivery._not_seen` return `events` as they are."""
    await state(outcome.database, "k", range(1, 21), NOW)
    with tally(settings, CRASH_AT="relay.sending:1:STOP") as first:
        await froze(first)
        with tally(settings, TALLY_STATE="k:21:30"):
            await outcome.settled("k", 30)
            os.kill(first.pid, signal.SIGCONT)
            await state(outcome.database, "k", range(31, 41), NOW)
            await outcome.settled("k", 40)
            await sent_again(outcome, 20)
            await outcome.settled("k", 40)


async def test_killed_inside_the_replay_of_a_parked_key(
    settings: ServiceSettings, outcome: Outcome
) -> None:
    """Break: in `Desk._replay_first`, call `_handle` in a transaction of its own."""
    await park_key(settings, outcome.database, "k", versions=3)
    with tally(settings, CRASH_AT="release.handled:2", TALLY_REPLAY="k") as process:
        assert await died(process)
    assert await outcome.heard() == [("k", 1)]
    with tally(settings, TALLY_REPLAY="k"):
        await outcome.settled("k", 3)


async def park_key(settings: ServiceSettings, database: Database, key: str, versions: int) -> None:
    """Events of one key as a consumer parks them: the first failed, the others wait behind it."""
    async with database.transaction() as session:
        for version in range(1, versions + 1):
            event = funds_moved(key, version, NOW)
            headers = {"ce_id": str(event.event_id), "ce_type": event.TYPE}
            body = event.model_dump_json().encode()
            topic = settings.topic_prefix + "billing"
            message = Message(topic, 0, version, key, headers, body, NOW.timestamp())
            error = "ValueError: poison" if version == 1 else None
            await park(session, "tally", [Waiting(message, error, event)])


async def sent_again(outcome: Outcome, events: int) -> None:
    """Wait until the topic holds that many more events than were stated, and all are consumed."""
    positions = select(func.sum(ConsumerPosition.position))

    async def consumed() -> bool:
        async with outcome.database.transaction() as session:
            return (await session.scalar(positions) or 0) >= 40 + events

    await until(consumed)


async def test_two_relays_share_the_slots_and_one_takes_all_when_the_other_dies(
    settings: ServiceSettings, outcome: Outcome
) -> None:
    """Break: let `_fair_share` return all slots."""

    async def holders() -> dict[str, int]:
        held = select(RelaySlot.holder, func.count()).group_by(RelaySlot.holder)
        async with outcome.database.transaction() as session:
            return {holder: count for holder, count in await session.execute(held) if holder}

    async def shared() -> bool:
        return sorted((await holders()).values()) == [32, 32]

    async def taken_over() -> bool:
        return list((await holders()).values()) == [64]

    with tally(settings), tally(settings) as second:
        await until(shared)
        await state(outcome.database, "k", range(1, 31), NOW)
        second.kill()
        await asyncio.to_thread(second.wait)
        await until(taken_over)
        await state(outcome.database, "k", range(31, 41), NOW)
        await outcome.settled("k", 40)
