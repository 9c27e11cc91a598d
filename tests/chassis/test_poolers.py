"""Sessions are our own: a pooler in session mode serves, one in transaction mode is refused."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from sqlalchemy import text

from chassis.app import basic_parts, service_app
from chassis.connecting import SharedSessionError
from chassis.database import REQUEST_ROLE, Database
from chassis.identity import Principal
from chassis.settings import ServiceSettings
from testkit.servers import PostgresServer
from tests.chassis.pooler import Pooler
from tests.chassis.tally import create_schema, settings_for

pytestmark = pytest.mark.postgres
PREFIX = "pooled_"
WHO = "SELECT current_user, current_setting('channelbus.partner_id', true)"
AT_ONCE = 8


@pytest.fixture
async def behind(postgres_server: PostgresServer) -> AsyncIterator[Any]:
    """`behind(pooler)` is the settings of a tally that reaches its database through the pooler."""
    postgres_server.drop_database(f"{PREFIX}tally")
    postgres_server.create_database(f"{PREFIX}tally")
    await create_schema(settings_for(postgres_server.url, "127.0.0.1:1", PREFIX))

    def settings(pooler: Pooler) -> ServiceSettings:
        login = urlsplit(postgres_server.url).netloc.rpartition("@")[0]
        url = f"postgresql://{login}@127.0.0.1:{pooler.port}"
        return settings_for(url, "127.0.0.1:1", PREFIX, bus_enabled=False)

    yield settings
    postgres_server.drop_database(f"{PREFIX}tally")


def pooler_of(server: PostgresServer, *, shares_sessions: bool) -> Pooler:
    port = urlsplit(server.url).port
    assert port
    return Pooler(port, shares_sessions)


async def test_a_pooler_that_shares_sessions_is_refused_at_the_start_by_name(
    postgres_server: PostgresServer, behind: Any
) -> None:
    """Break: do not call `prove_sessions` in the lifespan."""
    async with pooler_of(postgres_server, shares_sessions=True).running() as pooler:
        app = service_app(basic_parts("tally", behind(pooler)), routers=[])
        with pytest.raises(SharedSessionError, match="DATABASE_URL leads to a pooler in trans"):
            async with app.router.lifespan_context(app):
                pass


async def test_a_pooler_in_session_mode_gives_each_transaction_its_role_and_tenant(
    postgres_server: PostgresServer, behind: Any
) -> None:
    """Break: tell anything at start-up, by `server_settings`."""
    async with pooler_of(postgres_server, shares_sessions=False).running() as pooler:
        app = service_app(basic_parts("tally", behind(pooler)), routers=[])
        async with app.router.lifespan_context(app):
            database: Database = app.parts.database
            seen = await asyncio.gather(*(who_asks(database, f"p'{n}") for n in range(AT_ONCE)))
            await database.prove_writable()
        assert seen == [[(REQUEST_ROLE, f"p'{n}")] * 2 for n in range(AT_ONCE)]


async def who_asks(database: Database, partner: str) -> list[tuple[str, str]]:
    principal = Principal(partner, "solution_provider", partner)
    async with database.transaction_as(principal) as session:
        by_session = (await session.execute(text(WHO))).one()
    async with database.read_as(principal) as connection:
        by_driver = await connection.fetchrow(WHO)
    return [tuple(by_session), tuple(by_driver)]


async def test_role_tenant_and_read_only_end_with_the_transaction(
    postgres_server: PostgresServer,
) -> None:
    """Break: in `_ENTER_READING`, leave READ ONLY or the role out."""
    settings = settings_for(postgres_server.url, "127.0.0.1:1", "ended_", database_readers_max=1)
    postgres_server.drop_database("ended_tally")
    postgres_server.create_database("ended_tally")
    await create_schema(settings)
    database = Database(settings, "tally")
    async with database.read_as(Principal("p", "solution_provider", "p")) as reader:
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await reader.execute("CREATE TABLE written (n integer)")
        lent = reader._con
    await asyncio.gather(*database._returning)
    assert tuple(await lent.fetchrow(WHO)) == (urlsplit(postgres_server.url).username, "")
    assert await lent.fetchval("SHOW transaction_read_only") == "off"
    assert await lent.fetchval("SHOW statement_timeout") == "30s"
    await database.close()
    postgres_server.drop_database("ended_tally")
