"""What is stated is told if and only if its transaction commits, savepoints included."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest
from sqlalchemy import select, text

from chassis import outbox
from chassis.database import Database
from chassis.failures import DatabaseAwayError, Failure, failure_of
from chassis.outbox import EVENT_BYTES_MAX, EventTooLargeError
from chassis.settings import ServiceSettings
from chassis.tables import OutboxRow
from testkit.servers import PostgresServer
from tests.chassis.tally import create_schema, funds_moved, settings_for

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
pytestmark = pytest.mark.postgres


@pytest.fixture
async def database(postgres_server: PostgresServer) -> AsyncIterator[Database]:
    postgres_server.drop_database("outbox_tally")
    postgres_server.create_database("outbox_tally")
    settings: ServiceSettings = settings_for(postgres_server.url, "unused", "outbox_")
    await create_schema(settings)
    found = Database(settings, "tally")
    yield found
    await found.close()
    postgres_server.drop_database("outbox_tally")


async def told(database: Database) -> list[str]:
    async with database.transaction() as session:
        return list(await session.scalars(select(OutboxRow.key).order_by(OutboxRow.id)))


async def test_a_rolled_back_transaction_tells_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError):
        async with database.transaction() as session:
            outbox.publish(session, funds_moved("a", 1, NOW))
            raise RuntimeError
    assert await told(database) == []


async def test_only_what_was_stated_in_a_rolled_back_savepoint_is_untold(
    database: Database,
) -> None:
    async with database.transaction() as session:
        outbox.publish(session, funds_moved("before", 1, NOW))
        with pytest.raises(RuntimeError):
            async with session.begin_nested():
                outbox.publish(session, funds_moved("undone", 1, NOW))
                async with session.begin_nested():
                    outbox.publish(session, funds_moved("undone inside", 1, NOW))
                raise RuntimeError
        async with session.begin_nested():
            outbox.publish(session, funds_moved("kept", 1, NOW))
        outbox.publish(session, funds_moved("after", 1, NOW))
    assert await told(database) == ["before", "kept", "after"]


async def test_an_event_the_broker_would_refuse_fails_the_transaction(
    database: Database,
) -> None:
    with pytest.raises(EventTooLargeError):
        async with database.transaction() as session:
            outbox.publish(session, funds_moved("k" * EVENT_BYTES_MAX, 1, NOW))
    assert await told(database) == []


async def test_a_lock_in_the_way_of_the_outbox_is_a_conflict_not_poison(
    database: Database,
) -> None:
    """The insert goes past SQLAlchemy, and so does its error.

    Break: drop asyncpg's branch in `failure_of`.
    """
    async with database.transaction() as other:
        await other.execute(text("LOCK TABLE outbox IN EXCLUSIVE MODE"))
        with pytest.raises(asyncpg.LockNotAvailableError) as failure:
            async with database.transaction() as session:
                await session.execute(text("SET LOCAL lock_timeout = '50ms'"))
                outbox.publish(session, funds_moved("a", 1, NOW))
    assert failure_of(failure.value) is Failure.CONFLICT
    assert await told(database) == []


async def test_a_connection_lost_before_the_facts_are_written_heals(database: Database) -> None:
    """The driver calls it a misuse, which would park the event.

    Break: let the driver's error out of `write_kept` as it is.
    """
    with pytest.raises(DatabaseAwayError) as failure:
        async with database.transaction() as session:
            own = await session.scalar(text("SELECT pg_backend_pid()"))
            outbox.publish(session, funds_moved("a", 1, NOW))
            async with database.transaction() as other:
                await other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": own})
            connection = await session.connection()
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None
            async with asyncio.timeout(10):
                while not driver.is_closed():
                    await asyncio.sleep(0.01)
    assert failure_of(failure.value) is Failure.AWAY
    assert await told(database) == []
