"""Connections that many requests at once made necessary are lent again."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from chassis.database import Database
from testkit.servers import PostgresServer
from tests.chassis.tally import create_schema, settings_for

PREFIX = "pool_"
SIZE, OVERFLOW = 1, 3
AT_ONCE = SIZE + OVERFLOW


@pytest.fixture
async def database(postgres_server: PostgresServer) -> AsyncIterator[Database]:
    postgres_server.drop_database(f"{PREFIX}tally")
    postgres_server.create_database(f"{PREFIX}tally")
    settings = settings_for(
        postgres_server.url,
        "127.0.0.1:1",
        PREFIX,
        database_pool_size=SIZE,
        database_pool_overflow=OVERFLOW,
    )
    await create_schema(settings)
    made = Database(settings, "tally")
    yield made
    await made.close()
    postgres_server.drop_database(f"{PREFIX}tally")


async def backends(database: Database) -> set[int]:
    """Which ones serve as many transactions at once as there may be."""
    all_lent = asyncio.Barrier(AT_ONCE)

    async def one() -> int:
        async with database.transaction() as session:
            pid = await session.scalar(text("SELECT pg_backend_pid()"))
            await all_lent.wait()
            return int(pid or 0)

    async with asyncio.timeout(60):
        return set(await asyncio.gather(*(one() for _ in range(AT_ONCE))))


async def test_the_overflow_is_lent_again(database: Database) -> None:
    """Broken by `max_overflow=overflow` in `chassis.pool`: three of four are opened anew."""
    first = await backends(database)
    assert len(first) == AT_ONCE
    assert await backends(database) == first
