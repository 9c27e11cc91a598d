"""The inbox forgets by age, in portions, and waits for nobody and keeps nobody waiting."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text

from chassis import pruning
from chassis.settings import ServiceSettings
from chassis.tables import InboxRow
from testkit.servers import PostgresServer
from tests.chassis.processes import Outcome
from tests.chassis.tally import create_schema, settings_for

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
KEEP_DAYS = 35
OLD, YOUNG = 1000, 50
pytestmark = pytest.mark.postgres

_FILL = text("""
    INSERT INTO inbox (consumer, event_id, received_at)
    SELECT 'tally', gen_random_uuid(), :at FROM generate_series(1, :count)
""")


@pytest.fixture
async def outcome(postgres_server: PostgresServer) -> AsyncIterator[Outcome]:
    postgres_server.drop_database("pruned_tally")
    postgres_server.create_database("pruned_tally")
    settings: ServiceSettings = settings_for(postgres_server.url, "unused", "pruned_")
    await create_schema(settings)
    found = Outcome(settings)
    async with found.database.transaction() as session:
        old, young = NOW - timedelta(days=KEEP_DAYS + 1), NOW - timedelta(days=KEEP_DAYS - 1)
        await session.execute(_FILL, {"at": old, "count": OLD})
        await session.execute(_FILL, {"at": young, "count": YOUNG})
    yield found
    await found.database.close()
    postgres_server.drop_database("pruned_tally")


async def remembered(outcome: Outcome) -> int:
    async with outcome.database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(InboxRow)) or 0


async def test_old_ids_leave_in_portions_and_young_ones_stay(
    outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "PORTION_ROWS", 300)
    await pruning.prune_inbox(KEEP_DAYS)(outcome.database, NOW)
    assert await remembered(outcome) == YOUNG


async def test_pruning_passes_a_row_that_is_held_and_a_consumer_inserts_meanwhile(
    outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "PORTION_ROWS", 300)
    async with outcome.database.transaction() as consumer:
        await consumer.execute(text("SET LOCAL lock_timeout = '1s'"))
        await consumer.execute(select(InboxRow).order_by(InboxRow.received_at).limit(1)
                               .with_for_update())  # fmt: skip
        await consumer.execute(_FILL, {"at": NOW, "count": 5})
        await pruning.prune_inbox(KEEP_DAYS)(outcome.database, NOW)
        await consumer.execute(_FILL, {"at": NOW, "count": 5})
    assert await remembered(outcome) == YOUNG + 10 + 1


async def test_an_open_portion_keeps_no_consumer_waiting(outcome: Outcome) -> None:
    async with outcome.database.transaction() as pruner:
        await pruner.execute(pruning._PRUNE_INBOX, {"before": NOW, "portion": 500})
        async with outcome.database.transaction() as consumer:
            await consumer.execute(text("SET LOCAL lock_timeout = '1s'"))
            await consumer.execute(_FILL, {"at": NOW, "count": 5})
