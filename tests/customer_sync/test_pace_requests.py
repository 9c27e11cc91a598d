"""The upstream's quota holds exactly over replicas, and a killed one's share comes back."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from chassis.database import Database
from customer_sync.settings import CustomerSyncSettings
from customer_sync.sweep.pace_requests import HOLD_SECONDS, UpstreamPace

PER_SECOND = 4


@pytest.fixture
async def other_replica(settings: CustomerSyncSettings) -> AsyncIterator[Database]:
    """A second process's connections."""
    database = Database(settings, "customer_sync")
    yield database
    await database.close()


async def test_no_second_has_more_requests_than_allowed_over_two_replicas(
    database: Database, other_replica: Database
) -> None:
    sent: list[float] = []

    async def request(pace: UpstreamPace) -> None:
        async with pace():
            sent.append(time.monotonic())

    paces = [UpstreamPace(database, PER_SECOND), UpstreamPace(other_replica, PER_SECOND)]
    await asyncio.gather(*(request(paces[n % 2]) for n in range(3 * PER_SECOND)))
    sent.sort()
    spans = [later - sooner for sooner, later in zip(sent, sent[PER_SECOND:], strict=False)]
    assert len(sent) == 3 * PER_SECOND
    assert min(spans) > 1.0


async def test_a_slow_request_keeps_its_slot_until_a_second_after_its_end(
    database: Database,
) -> None:
    pace = UpstreamPace(database, 1)
    async with pace():
        await asyncio.sleep(0.3)
    ended = time.monotonic()
    async with pace():
        assert time.monotonic() - ended > 0.98


async def test_a_request_that_fails_gives_its_slot_back_like_any_other(database: Database) -> None:
    pace = UpstreamPace(database, 1)
    with pytest.raises(ValueError, match="broken"):
        async with pace():
            raise ValueError("broken")
    async with asyncio.timeout(HOLD_SECONDS - 5), pace():
        pass


async def test_the_slot_of_a_killed_replica_is_free_when_its_hold_has_run_out(
    database: Database,
) -> None:
    pace = UpstreamPace(database, 1)
    with pytest.raises(asyncio.CancelledError):
        async with pace():
            raise asyncio.CancelledError
    waiting = asyncio.create_task(pace().__aenter__())
    done, _ = await asyncio.wait([waiting], timeout=1.3)
    assert not done  # longer than a request's second: it is the hold that runs
    async with database.transaction() as session:
        await session.execute(text("UPDATE upstream_slots SET free_at = now() WHERE slot = 0"))
    await asyncio.wait_for(waiting, HOLD_SECONDS - 5)
