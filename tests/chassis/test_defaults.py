"""What the shipped settings promise, shown once with them: one replica dies or freezes.

All waits run beside each other, so that it takes as long as the longest: a session.
"""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select, text

from chassis.outbox import SLOTS
from chassis.settings import ServiceSettings
from chassis.tables import RelaySlot
from testkit.servers import KafkaServer, PostgresServer
from tests.chassis.processes import Outcome, tally, until
from tests.chassis.tally import create_schema, settings_for, state

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
TAKEOVER_SECONDS_MAX = 10.0
SESSION_SLACK_SECONDS = 15.0  # for the next heartbeat and the seek, on a slow machine
KEYS = [f"k{n}" for n in range(30)]  # in every slot's and partition's share
pytestmark = [pytest.mark.kafka, pytest.mark.postgres, pytest.mark.timeout(240)]


@pytest.fixture
async def settings(
    postgres_server: PostgresServer, kafka_server: KafkaServer
) -> AsyncIterator[ServiceSettings]:
    """As shipped: nothing is shortened for the test."""
    prefix = "shipped_"
    postgres_server.drop_database(f"{prefix}tally")
    postgres_server.create_database(f"{prefix}tally")
    kafka_server.create_topics([prefix + "billing"], 3)
    found = settings_for(postgres_server.url, kafka_server.bootstrap, prefix)
    await create_schema(found)
    yield found
    postgres_server.drop_database(f"{prefix}tally")


@pytest.fixture
async def outcome(settings: ServiceSettings) -> AsyncIterator[Outcome]:
    found = Outcome(settings)
    yield found
    await found.database.close()


async def holders(outcome: Outcome) -> dict[str | None, int]:
    held = (
        select(RelaySlot.holder, func.count())
        .where(RelaySlot.held_until > func.now())
        .group_by(RelaySlot.holder)
    )
    async with outcome.database.transaction() as session:
        return {holder: slots for holder, slots in await session.execute(held)}


async def test_a_replica_that_is_killed_is_replaced_within_what_the_defaults_promise(
    settings: ServiceSettings, outcome: Outcome
) -> None:
    """Its relay within ten seconds, partitions within a session, locks within their time."""
    frozen = asyncio.create_task(frozen_transaction_ends(settings, outcome))
    with tally(settings) as stays, tally(settings) as dies:

        async def shared() -> bool:
            return list((await holders(outcome)).values()) == [SLOTS // 2] * 2

        await until(shared)
        for key in KEYS:
            await state(outcome.database, key, range(1, 2), NOW)

        async def all_heard(version: int = 1) -> bool:
            return len(await outcome.heard()) == version * len(KEYS)

        await until(all_heard)
        assert stays.poll() is None
        dies.send_signal(signal.SIGKILL)
        died_at = time.monotonic()
        for key in KEYS:
            await state(outcome.database, key, range(2, 3), NOW)

        async def taken_over() -> bool:
            return list((await holders(outcome)).values()) == [SLOTS]

        async def sent() -> bool:
            async with outcome.database.transaction() as session:
                return bool(await session.scalar(text("SELECT count(*) = 0 FROM outbox")))

        await until(taken_over, TAKEOVER_SECONDS_MAX)
        await until(sent)
        assert time.monotonic() - died_at <= TAKEOVER_SECONDS_MAX
        seconds = settings.consumer_session_seconds + SESSION_SLACK_SECONDS
        await until(lambda: all_heard(2), seconds)
    await frozen
    for key in KEYS:
        assert await outcome.heard(key) == [(key, 1), (key, 2)]


async def frozen_transaction_ends(settings: ServiceSettings, outcome: Outcome) -> None:
    """What a replica that froze inside a transaction holds is free after that; nobody ends it."""
    connection = await outcome.database.engine.connect()
    await connection.execute(text("SELECT pg_advisory_xact_lock(1)"))
    started = time.monotonic()

    async def free() -> bool:
        async with outcome.database.transaction() as session:
            return bool(await session.scalar(text("SELECT pg_try_advisory_xact_lock(1)")))

    assert not await free()
    await until(free, settings.transaction_idle_seconds + SESSION_SLACK_SECONDS)
    assert time.monotonic() - started >= settings.transaction_idle_seconds - 1
    await connection.invalidate()
    await connection.close()
