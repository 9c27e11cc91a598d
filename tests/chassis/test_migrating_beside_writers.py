"""A migration keeps no writer waiting, whoever holds the table, and goes on after it was killed."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from testkit.databases import unique_prefix
from testkit.servers import PostgresServer

pytestmark = pytest.mark.postgres

ROOT = Path(__file__).parents[2]
WAIT_SECONDS_MAX = 60.0
PASSES_SECONDS_MAX = 15  # far above what a migration may wait for, far below the test's end

_MIGRATE = "import sys; from chassis.migrations import migrate; migrate(*sys.argv[1:])"
_VERSION_0001 = """
    CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);
    INSERT INTO alembic_version VALUES ('0001');
    CREATE TABLE grown (id bigint PRIMARY KEY, size bigint NOT NULL);
    CREATE INDEX by_size ON grown (size);
    INSERT INTO grown SELECT n, n % 7 FROM generate_series(1, 5000) AS n
"""
_AND_0002 = """
    DROP INDEX by_size;
    CREATE INDEX by_size_and_id ON grown (size, id);
    UPDATE alembic_version SET version_num = '0002'
"""
_MIGRATING = (
    "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'migrate'"
)
_WAIT = f"SELECT count(*) {_MIGRATING} AND wait_event_type = 'Lock'"
_ASKED_FOR_ITS_TURN = f"SELECT count(*) {_MIGRATING} AND query ~ 'advisory_lock|COMMIT'"
_END = f"SELECT pg_terminate_backend(pid, 60000) {_MIGRATING}"
_INDEXES = """
    SELECT indexrelid::regclass::text, indisvalid FROM pg_index
    WHERE indrelid = 'grown'::regclass AND NOT indisprimary ORDER BY 1
"""
_STATE = "SELECT version_num, (SELECT count(*) FROM grown) FROM alembic_version"


class Grown:
    """A database at version 0001, somebody who writes and does not end, and somebody who comes."""

    def __init__(self, url: str, old: asyncpg.Connection, comer: asyncpg.Connection):
        self.url, self.old, self.comer = url, old, comer

    async def migrate(self) -> Process:
        """Start it, as a process of its own."""
        return await asyncio.create_subprocess_exec(
            sys.executable, "-c", _MIGRATE, "tests.chassis.growing", self.url,
            cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=PIPE, stderr=STDOUT,
        )  # fmt: skip

    async def until(self, asked: str) -> None:
        """Wait until the server counts one."""
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while not await self.comer.fetchval(asked):
                await asyncio.sleep(0.02)

    async def write(self) -> None:
        """Write a row that nobody else has; an error when something is in the way."""
        await self.comer.execute("UPDATE grown SET size = 9 WHERE id = 2")

    async def indexes(self) -> dict[str, bool]:
        """Which there are, and whether each is whole."""
        return dict(await self.comer.fetch(_INDEXES))


@pytest.fixture
async def grown(postgres_server: PostgresServer) -> AsyncIterator[Grown]:
    name = f"{unique_prefix()}growing"
    url = postgres_server.create_database(name)
    old, comer = [await asyncpg.connect(url, timeout=WAIT_SECONDS_MAX) for _ in range(2)]
    await old.execute(_VERSION_0001)
    await comer.execute(f"SET lock_timeout = '{PASSES_SECONDS_MAX}s'")
    yield Grown(url, old, comer)
    await old.close()
    await comer.close()
    postgres_server.drop_database(name)


async def ended(process: Process) -> str:
    """What it said, when it did its work."""
    said, _ = await asyncio.wait_for(process.communicate(), WAIT_SECONDS_MAX)
    assert process.returncode == 0, said.decode()
    return said.decode()


async def test_writers_pass_while_an_index_is_built_and_two_processes_migrate(grown: Grown) -> None:
    async with grown.old.transaction():
        await grown.old.execute("UPDATE grown SET size = 8 WHERE id = 1")
        first = await grown.migrate()
        await grown.until(_WAIT)
        second = await grown.migrate()
        await grown.until(_ASKED_FOR_ITS_TURN)
        await grown.write()
        assert (await grown.indexes())["by_size"], "searches have an index meanwhile"
    await ended(first)
    assert await ended(second) == "", "it waits for its turn without a lock, not for a table"
    assert await grown.indexes() == {"by_size_and_id": True}
    assert tuple(await grown.comer.fetchrow(_STATE)) == ("0003", 5000)


async def test_an_index_that_was_left_half_built_is_built_anew(grown: Grown) -> None:
    async with grown.old.transaction():
        await grown.old.execute("UPDATE grown SET size = 8 WHERE id = 1")
        killed = await grown.migrate()
        await grown.until(_WAIT)
        killed.kill()
        await killed.communicate()
        await grown.comer.execute(_END)
        assert await grown.indexes() == {"by_size": True, "by_size_and_id": False}
    await ended(await grown.migrate())
    assert await grown.indexes() == {"by_size_and_id": True}


async def test_writers_pass_behind_a_version_that_needs_the_table_alone(grown: Grown) -> None:
    await grown.old.execute(_AND_0002)
    async with grown.old.transaction():
        await grown.old.execute("UPDATE grown SET size = 8 WHERE id = 1")
        migrating = await grown.migrate()
        await grown.until(_WAIT)
        await grown.write()
    assert "a table is in use" in await ended(migrating)
    assert tuple(await grown.comer.fetchrow(_STATE)) == ("0003", 5000)
