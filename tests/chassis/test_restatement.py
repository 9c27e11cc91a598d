"""Restatement: resumable, exact after a kill, marked, and in portions."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import insert

from chassis.errors import BadFieldError
from chassis.restatement import list_restatements, request_restatement
from chassis.settings import ServiceSettings
from chassis.tables import OutboxRow
from testkit.door import ADMINISTRATOR
from tests.chassis.processes import Outcome, died, tally, until
from tests.chassis.tally import KEYS_RESTATED, Heard

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
KEYS = 1200
pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


@pytest.fixture
async def outcome(settings: ServiceSettings) -> AsyncIterator[Outcome]:
    found = Outcome(settings)
    yield found
    await found.database.close()


async def test_a_restatement_killed_between_portions_states_every_aggregate_once(
    settings: ServiceSettings, outcome: Outcome
) -> None:
    """Break: write `restatement.after` in a transaction of its own, before the portion's."""
    known = [{"key": f"k{n:05}", "version": 7, "amount": Decimal(1)} for n in range(KEYS)]
    async with outcome.database.transaction() as session:
        await session.execute(insert(Heard), known)
        await request_restatement(session, [KEYS_RESTATED], ADMINISTRATOR, NOW)
    with tally(settings, CRASH_AT="restatement.portion:2") as process:
        assert await died(process)
    with tally(settings):

        async def done() -> bool:
            heard = len(await outcome.heard())
            return heard >= 2 * KEYS and await outcome.count(OutboxRow) == 0

        await until(done)
    assert sorted(await outcome.heard()) == sorted([(row["key"], 7) for row in known] * 2)
    async with outcome.database.transaction() as session:
        (progress,) = await list_restatements(session)
    assert (progress["done"], progress["total"]) == (KEYS, KEYS)
    assert progress["finished_at"] is not None


async def test_an_unknown_aggregate_is_refused(outcome: Outcome) -> None:
    async with outcome.database.transaction() as session:
        with pytest.raises(BadFieldError, match=r"known: .*key"):
            await request_restatement(session, [KEYS_RESTATED], ADMINISTRATOR, NOW, ["order"])
