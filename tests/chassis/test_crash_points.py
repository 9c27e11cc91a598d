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

from chassis.settings import ServiceSettings
from chassis.tables import RelaySlot
from tests.chassis.processes import Outcome, died, tally, until
from tests.chassis.tally import state

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
    """Break: delete `session.add(row)` in `outbox.publish` and send from memory instead."""
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
    """Break: move `_move` out of the transaction, before it."""
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
    """Break: seek to the group's committed offset instead of the position, without the inbox."""
    await state(outcome.database, "k", range(1, 21), NOW)
    with tally(settings, CRASH_AT=point) as process:
        assert await died(process)
    with tally(settings):
        await outcome.settled("k", 20)


async def test_killed_inside_a_lease_takeover(settings: ServiceSettings, outcome: Outcome) -> None:
    """Break: drop `held_until <= now()` from the take-over: two holders, or drop it from RENEW."""
    await state(outcome.database, "k", range(1, 21), NOW)
    with tally(settings, CRASH_AT="relay.takeover") as process:
        assert await died(process)
    with tally(settings, TALLY_STATE="k:21:30"):
        await outcome.settled("k", 30)


async def test_a_frozen_process_finds_its_batch_refused_and_its_sends_caught(
    settings: ServiceSettings, outcome: Outcome
) -> None:
    """Break: drop `AND p.position = v.expected` from the fence, and the inbox with it."""
    with tally(settings, TALLY_STATE="k:1:10") as first:
        await outcome.settled("k", 10)
        os.kill(first.pid, signal.SIGSTOP)
        await state(outcome.database, "k", range(11, 31), NOW)
        with tally(settings, TALLY_STATE="other:1:3"):
            await outcome.settled("k", 30)
            os.kill(first.pid, signal.SIGCONT)
            await state(outcome.database, "k", range(31, 41), NOW)
            await outcome.settled("k", 40)
            assert await outcome.heard("other") == [("other", 1), ("other", 2), ("other", 3)]


async def test_two_relays_share_the_slots_and_one_takes_all_when_the_other_dies(
    settings: ServiceSettings, outcome: Outcome
) -> None:
    """Break: let `_fair_share` return all slots, or `_TAKE` ignore `held_until`."""

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
        await until(taken_over, seconds=10)
        await state(outcome.database, "k", range(31, 41), NOW)
        await outcome.settled("k", 40)
